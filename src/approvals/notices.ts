/** Tells people and programs of approvals: records on the bus and to whoever asked, links only to the operator's own channel. */
import { createHmac } from 'node:crypto'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import { JobError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { Egress } from '../lib/egress.ts'
import type { Mask, Masks } from '../lib/secret-mask.ts'
import type { Logger } from '../observe/logger.ts'
import { encodeText, objectText } from '../protocol/json.ts'
import { type Fetch, openFetch } from '../services/fetch/fetch.ts'
import { type Approval, wireRecord } from './approval.ts'
import type { Links } from './link.ts'
import { keptAfterEndMs, type Sent } from './progress.ts'
import type { ApprovalRecord, Notice } from './record.ts'
import { noticeBody } from './wire.ts'

interface NoticesParts {
  readonly config: Pick<Config, 'approvals' | 'outgoing' | 'subjects'>
  readonly bus: Pick<Bus, 'emit' | 'flush'>
  /** Under the egress policy, for addresses that jobs name. */
  readonly fetch: Fetch
  readonly links: Links
  readonly masks: Masks
  readonly clock: Clock
  readonly log: Logger
}

const sendLimitMs = 10_000

/** Sends notices. */
export class Notices implements AsyncDisposable {
  readonly #parts: NoticesParts
  /** For the operator's own address, which no policy on jobs concerns. */
  readonly #ownFetch: Fetch

  constructor(parts: NoticesParts) {
    const { config, clock, log } = parts
    this.#parts = parts
    const egress = new Egress({ allowHosts: ['*'], allowCidrs: [], denyCidrs: [] })
    this.#ownFetch = openFetch({ config: config.outgoing, egress, clock, log })
  }

  /** Whether approvers are sent links. */
  get hasLinks(): boolean {
    const { linkSecrets, notifyUrl, publicUrl } = this.#parts.config.approvals
    return linkSecrets !== undefined && notifyUrl !== undefined && publicUrl !== undefined
  }

  /** Sends one. Never rejects. */
  async send({ approval, callbackUrl }: ApprovalRecord, notice: Notice, signal: AbortSignal): Promise<Sent> {
    const limit = new AbortController()
    const timer = this.#parts.clock.after(sendLimitMs, () => limit.abort(new Error('It took too long')))
    const either = AbortSignal.any([signal, limit.signal])
    try {
      switch (notice.via) {
        case 'bus':
          return await this.#announce(approval, notice, either)
        case 'callback':
          return callbackUrl === undefined ? 'refused' : await this.#call(approval, callbackUrl, notice, either)
        case 'link':
          return await this.#sendLink(approval, notice, either)
        default:
          return notice.via satisfies never
      }
    } catch (error) {
      if (!signal.aborted) this.#complain(approval, notice, error)
      return error instanceof JobError && error.retry === 'never' ? 'refused' : 'failed'
    } finally {
      timer.cancel()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ownFetch[Symbol.asyncDispose]()
  }

  /** Whoever listens hears it; nobody has to. */
  async #announce(approval: Approval, { kind }: Notice, signal: AbortSignal): Promise<Sent> {
    const { bus, config, masks } = this.#parts
    const word = kind === 'decided' ? 'decided' : 'requested'
    const body = bodyOf(wireRecord(approval), masks.maskFor(approval.tenantId))
    bus.emit({ subject: `${config.subjects.approval}.${word}`, body })
    await bus.flush(signal)
    return 'arrived'
  }

  #call(approval: Approval, url: string, notice: Notice, signal: AbortSignal): Promise<Sent> {
    const { masks, fetch } = this.#parts
    const body = bodyOf(noticeBody(notice.kind, approval), masks.maskFor(approval.tenantId))
    return this.#post(fetch, { approval, url, notice, body, keyOf: `callback\n${approval.tenantId}` }, signal)
  }

  async #sendLink(approval: Approval, notice: Notice, signal: AbortSignal): Promise<Sent> {
    const { links, config, masks } = this.#parts
    const { notifyUrl, publicUrl } = config.approvals
    const { approver } = notice
    // Whoever comes late is shown how it ended, as long as that is known.
    const expiresAt = Math.floor((approval.expiresAt + keptAfterEndMs) / 1000)
    const token = approver === undefined ? undefined : links.sign({ approvalId: approval.id, approver, expiresAt })
    if (notifyUrl === undefined || publicUrl === undefined || approver === undefined || token === undefined) {
      return 'refused'
    }
    const url = `${publicUrl.replace(/\/+$/, '')}/approve/${token}`
    const body = bodyOf(noticeBody(notice.kind, approval, { approver, url }), masks.mask)
    return this.#post(this.#ownFetch, { approval, url: notifyUrl, notice, body, keyOf: 'notify' }, signal)
  }

  async #post(fetch: Fetch, message: Webhook, signal: AbortSignal): Promise<Sent> {
    const { approval, notice, url, body } = message
    const { status } = await fetch.request(
      {
        method: 'POST',
        url: new URL(url),
        headers: this.#headers(message),
        body,
        credentials: new Set(),
        repeatable: true,
        tenantId: approval.tenantId,
        maxRedirects: 0,
        isFailure: (answered) => answered >= 500,
      },
      signal,
    )
    if (status >= 200 && status < 300) return 'arrived'
    this.#complain(approval, notice, new Error(`It was answered with status ${status}`))
    return status < 500 && ![408, 425, 429].includes(status) ? 'refused' : 'failed'
  }

  /** As the Standard Webhooks specification has them: one signature for each secret, so that one can be replaced. */
  #headers({ notice, body, keyOf }: Webhook): Headers {
    const timestamp = String(Math.floor(this.#parts.clock.now() / 1000))
    const headers = new Headers({
      'content-type': 'application/json',
      'webhook-id': notice.id,
      'webhook-timestamp': timestamp,
    })
    const signatures = (this.#parts.config.approvals.linkSecrets ?? []).map((secret) => {
      // Whoever can check a message cannot sign links with what he needs for it.
      const key = createHmac('sha256', secret).update(`beamline approval ${keyOf}`).digest()
      const signed = createHmac('sha256', key).update(`${notice.id}.${timestamp}.`).update(body)
      return `v1,${signed.digest('base64')}`
    })
    if (signatures.length > 0) headers.set('webhook-signature', signatures.join(' '))
    return headers
  }

  #complain({ id, assignmentId, tenantId }: Approval, { kind, via, tries }: Notice, error: unknown): void {
    this.#parts.log.warn('A notice of an approval did not arrive', {
      assignment_id: assignmentId,
      tenant_id: tenantId,
      context: { approval: id, kind, via, tries: tries + 1 },
      error,
    })
  }
}

interface Webhook {
  readonly approval: Approval
  readonly url: string
  readonly notice: Notice
  readonly body: Uint8Array
  /** Which key it is signed with. */
  readonly keyOf: string
}

function bodyOf(message: Readonly<Record<string, unknown>>, mask: Mask): Uint8Array {
  return encodeText(mask.json(objectText(message), 'keys'))
}
