/** Whether the worker lives and takes jobs: for people, container platforms, and the probes of earlier workers. */
import { Elysia } from 'elysia'
import type { Clock } from '../lib/clock.ts'

/** What the probes are told, read at each request. */
export interface Health {
  readonly version: string
  readonly commit: string
  workerId(): string
  activeJobs(): number
  uptimeSeconds(): number
  state(): HealthState
}

/** Whether jobs are taken, and if not, why. */
export interface HealthState {
  readonly ready: boolean
  readonly draining: boolean
  /** Running jobs by slots, 0 to 1. */
  readonly load: number
  /** What readiness rests on: `ok`, or in a few words what is missing. */
  readonly checks: Readonly<Record<string, string>>
  readonly sandbox: boolean
}

/** The routes: `/health` (200 while the event loop turns), `/ready` (200 or 503) and their earlier spellings. */
export function healthRoutes(health: Health, clock: Clock) {
  const ready = (): Response => {
    const { ready, draining, checks, sandbox } = health.state()
    const taking = ready && !draining
    const status = draining ? 'draining' : taking ? 'ready' : 'not_ready'
    const body = { status, worker_id: health.workerId(), checks, ...(sandbox && { sandbox }) }
    return Response.json(body, { status: taking ? 200 : 503 })
  }
  const state = (): Response => {
    const { ready, draining, load } = health.state()
    const taking = ready && !draining
    return Response.json({ ready: taking, draining, load }, { status: taking ? 200 : 503 })
  }
  return new Elysia({ name: 'health' })
    .get(
      '/health',
      () => ({
        status: 'ok',
        worker_id: health.workerId(),
        active_jobs: health.activeJobs(),
        uptime_seconds: health.uptimeSeconds(),
        version: health.version,
      }),
      open('Whether the process lives.'),
    )
    .get('/ready', ready, open('Whether jobs are taken; 503 says what is missing.'))
    .get('/readyz', ready, open('As /ready.'))
    .get('/_readyz', ready, open('As /ready.'))
    .get(
      '/_health',
      () => ({ status: 'healthy', timestamp: new Date(clock.now()).toISOString() }),
      open('As /health, for earlier probes.'),
    )
    .get(
      '/_build',
      () => ({ version: health.version, commit: health.commit, bun: Bun.version }),
      open('What is running.'),
    )
    .get('/_state', state, open('As /ready, with the load.'))
}

function open(summary: string): { detail: { summary: string; tags: string[]; security: [] } } {
  return { detail: { summary, tags: ['Health'], security: [] } }
}
