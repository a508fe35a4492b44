/** Questions to people: keeps them, asks, hears the answers, and tells how they end. The only file here that builds things. */
import type { Platform, Role, RunningRole } from '../role.ts'
import { Caretaker } from './caretaker.ts'
import { Desk } from './desk.ts'
import { warnOfForgotten } from './forgotten.ts'
import { Ledger } from './ledger.ts'
import { Links } from './link.ts'
import { linkRoutes } from './link-routes.ts'
import { Notices } from './notices.ts'
import { Office } from './office.ts'
import { Requests } from './requests.ts'
import { approvalRoutes } from './routes.ts'
import { Seals } from './seal.ts'
import { Sweep } from './sweep.ts'

/** The role that always comes with the worker. */
export const approvalsRole: Role = {
  name: 'approvals',
  summary: 'Keeps questions to people and hears their answers.',
  open: openApprovals,
}

async function openApprovals(platform: Platform): Promise<RunningRole> {
  const { config, bus, store, reporting, services, clock, metrics } = platform
  const log = platform.log.child({ component: 'approvals' })
  const { secrets: masks, fetch } = services
  const links = new Links(config.approvals.linkSecrets ?? [])
  const notices = new Notices({ config, bus, fetch, links, masks, clock, log })
  const ledger = new Ledger({ store, reporting, clock, log, metrics })
  const maxRetries = config.worker.resultPublishMaxRetries
  const caretaker = new Caretaker({ ledger, store, bus, reporting, notices, maxRetries, clock, log, metrics })
  const desk = new Desk({ store, ledger, caretaker, clock, log })
  const sweep = new Sweep({ store, caretaker, clock, log })
  const stopped = new AbortController()
  const { apiToken } = config.http
  const subject = config.subjects.approval
  const seals = new Seals({ apiToken, linkSecrets: config.approvals.linkSecrets ?? [], clock })
  const office = new Office({ desk, store, bus, subject, seals })
  const requests = new Requests({ bus, subject, desk, store, links, seals, apiToken, clock, log })
  metrics.observe({ parkedJobs: () => caretaker.waiting })
  return {
    parking: desk,
    routes: [approvalRoutes({ office }), linkRoutes({ office, links, clock })],
    activeJobs: 0,
    load: 0,
    checks: () => ({ state: store.health() }),
    start() {
      if (!notices.hasLinks) log.info(withoutLinks(config.approvals))
      sweep.start()
      void warnOfForgotten({ config, bus, store, clock, log }, stopped.signal)
    },
    async drain() {
      stopped.abort()
      sweep.stop()
      await requests[Symbol.asyncDispose]()
      await caretaker.close()
      await notices[Symbol.asyncDispose]()
    },
  }
}

function withoutLinks(settings: Platform['config']['approvals']): string {
  const needed = {
    APPROVAL_LINK_SECRET: settings.linkSecrets,
    APPROVAL_NOTIFY_URL: settings.notifyUrl,
    PUBLIC_URL: settings.publicUrl,
  }
  const missing = Object.entries(needed).filter(([, value]) => value === undefined)
  return `Approvers are sent no links: ${missing.map(([variable]) => variable).join(', ')} not set`
}
