/** Does what follows from changes: tells people, publishes results, lets time pass, removes what is old. */
import type { Bus } from '../bus/bus.ts'
import { publishEnd } from './ending.ts'
import type { Ledger, LedgerParts } from './ledger.ts'
import type { Notices } from './notices.ts'
import { Postman } from './postman.ts'
import { afterNotice, countedOut, isOld, passTime, stillCounted, type Telling, takeWebhooks } from './progress.ts'
import type { ApprovalRecord, Notice } from './record.ts'
import { Tally } from './tally.ts'

interface CaretakerParts extends LedgerParts {
  readonly ledger: Ledger
  readonly bus: Pick<Bus, 'connected'>
  readonly notices: Notices
  /** How often a result is published again after a first failure. */
  readonly maxRetries: number
}

/** Notes in a record what has been done. */
type Mark = (record: ApprovalRecord) => ApprovalRecord

/** Looks after approvals, one thing after the other for each of them. */
export class Caretaker {
  readonly #parts: CaretakerParts
  readonly #tally: Tally
  readonly #postman: Postman
  readonly #closed = new AbortController()
  readonly #underWay = new Map<string, Promise<boolean>>()
  #hasComplained = false

  constructor(parts: CaretakerParts) {
    this.#parts = parts
    this.#tally = new Tally(parts.store)
    const { ledger, notices, clock } = parts
    this.#postman = new Postman({
      ...{ ledger, notices, now: () => clock.now(), isInHand: (id) => this.#underWay.has(id) },
      complain: (error) => this.#complain(error),
    })
  }

  /** Jobs that wait for people. */
  get waiting(): number {
    return this.#tally.count
  }

  /** How many approvals are being looked after. */
  get busy(): number {
    return this.#underWay.size
  }

  /** What is to be told at this moment, by the settings and the job. */
  telling(callbackUrl: string | undefined): Telling {
    const { clock, notices } = this.#parts
    const newId = (): string => crypto.randomUUID()
    return { callback: callbackUrl !== undefined, links: notices.hasLinks, now: clock.now(), newId }
  }

  /** Does what is due of an approval; with `claim` only when nobody else is at it. Never rejects; false: it could not be done. */
  attend(id: string, { claim }: { readonly claim: boolean }): Promise<boolean> {
    const before = this.#underWay.get(id) ?? Promise.resolve(true)
    const work = before
      .then(() => this.#attend(id, claim))
      .then(() => true)
      .catch((error: unknown) => {
        this.#complain(error)
        return false
      })
      .finally(() => {
        if (this.#underWay.get(id) === work) this.#underWay.delete(id)
      })
    this.#underWay.set(id, work)
    return work
  }

  /** Begins nothing more; resolves when what was under way has been done, or left to others. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all([this.#postman.close(), ...this.#underWay.values()])
  }

  #complain(error: unknown): void {
    if (!this.#closed.signal.aborted) this.#parts.log.warn('An approval is looked after later', { error })
  }

  async #attend(id: string, claim: boolean): Promise<void> {
    const { ledger, clock } = this.#parts
    if (this.#closed.signal.aborted || (claim && !(await this.#claim(id)))) return
    let webhooks: readonly Notice[] = []
    const passed = await ledger.update(id, (record) => {
      const passed = passTime(record, this.telling(record.callbackUrl))
      const [taken, due] = takeWebhooks(passed, clock.now(), this.#postman.inHandMs)
      webhooks = due
      return taken
    })
    if (passed === undefined) return
    const { notifiedAt, approval, publishedAt } = passed.record
    if (notifiedAt === undefined && approval.end === undefined) await this.#tally.enter(id)
    const published = await this.#publish(passed.record)
    const marks = [...published, ...(await this.#tell(passed.record))]
    for (const notice of webhooks) this.#postman.post(id, approval.tenantId, notice)
    if (publishedAt !== undefined) await this.#tally.leave(id)
    if (marks.length === 0 && webhooks.length === 0 && (await this.#remove(id))) return
    if (marks.length === 0 && !claim && !passed.changed) return
    const note: Mark = (record) => marks.reduce((all, mark) => mark(all), { ...record })
    const settle = (record: ApprovalRecord): ApprovalRecord => countedOut({ ...record })
    const isCountedOut = publishedAt !== undefined
    if (published.length === 0) {
      await ledger.update(id, (record) => (isCountedOut ? settle(note(record)) : note(record)), true)
      return
    }
    // Until it has left the tally it is not done: whoever comes after a crash sees to that.
    const marked = await ledger.update(id, (record) => stillCounted(note(record), clock.now()))
    if (marked?.record.publishedAt !== undefined) await this.#tally.leave(id)
    await ledger.update(id, settle, true)
  }

  async #claim(id: string): Promise<boolean> {
    const claim = await this.#parts.ledger.claim(id)
    if (claim === 'unreadable' && !this.#hasComplained) {
      this.#hasComplained = true
      const words = 'Approvals are damaged or of a newer version; they wait until a version that can read them runs'
      this.#parts.log.error(words, { context: { approval: id } })
    }
    return claim === 'claimed'
  }

  async #publish(record: ApprovalRecord): Promise<readonly Mark[]> {
    const { reporting, bus, maxRetries, clock } = this.#parts
    if (record.result === undefined || record.publishedAt !== undefined) return []
    if ((record.publishing?.at ?? 0) > clock.now()) return []
    return [await publishEnd(record, { ...reporting, bus, maxRetries, clock })]
  }

  async #tell(record: ApprovalRecord): Promise<readonly Mark[]> {
    const { notices, clock } = this.#parts
    const now = clock.now()
    const due = record.notices.filter(({ via, at }) => via === 'bus' && at <= now)
    const told = await Promise.all(
      due.map(async (notice): Promise<Mark> => {
        const sent = await notices.send(record, notice, this.#closed.signal)
        return (marked) => afterNotice(marked, notice, sent, clock.now())
      }),
    )
    if (due.length === 0 || record.notifiedAt !== undefined) return told
    return [...told, (marked) => ({ ...marked, notifiedAt: marked.notifiedAt ?? now })]
  }

  #remove(id: string): Promise<boolean> {
    const { ledger, clock } = this.#parts
    return ledger.remove(id, (record) => isOld(record, clock.now()))
  }
}
