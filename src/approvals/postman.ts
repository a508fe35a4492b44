/** Sends webhooks, which take as long as who is called likes: in places of their own, the tenants in turn. */
import { TenantQueue } from '../lib/tenant-queue.ts'
import type { Ledger } from './ledger.ts'
import type { Notices } from './notices.ts'
import { afterNotice, type Telling } from './progress.ts'
import type { Notice } from './record.ts'

interface PostmanParts {
  readonly ledger: Pick<Ledger, 'load' | 'update'>
  readonly notices: Pick<Notices, 'send'>
  readonly now: () => Telling['now']
  /** Whether others are busy with this approval here, who say themselves when it is due again. */
  readonly isInHand: (approvalId: string) => boolean
  /** Told what could not be noted. */
  readonly complain: (error: unknown) => void
}

interface Letter {
  readonly id: string
  readonly notice: Notice
  readonly sender: string
}

/** How many are sent at once: by all, and by one tenant to its own addresses, or for it to the operator's. */
const mostAtOnce = 64
const mostOfOne = 8
/** How many may wait for that here; the others come again. */
const mostWaiting = 10_000

/** How long a webhook may wait for its turn and be sent before somebody else sends it, in milliseconds: longer behind others. */
const inHandMs = 30_000
const moreForEachMs = 1000
const longestInHandMs = 600_000

/** Sends each notice once at a time. */
export class Postman {
  readonly #parts: PostmanParts
  readonly #closed = new AbortController()
  readonly #waiting = new TenantQueue<Letter>()
  /** Notices that wait or are being sent, by their ids. */
  readonly #known = new Set<string>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #sending = new Map<string, number>()

  constructor(parts: PostmanParts) {
    this.#parts = parts
  }

  /** How long what is posted now is left to it, in milliseconds. */
  get inHandMs(): number {
    return Math.min(longestInHandMs, inHandMs + this.#waiting.size * moreForEachMs)
  }

  /** Sends a notice when it is its turn, and notes what became of it. What is not taken comes again when it is due again. */
  post(id: string, tenantId: string, notice: Notice): void {
    if (this.#closed.signal.aborted || this.#known.has(notice.id) || this.#waiting.size >= mostWaiting) return
    const sender = `${notice.via}\n${tenantId}`
    this.#known.add(notice.id)
    this.#waiting.push(sender, { id, notice, sender })
    this.#sendMore()
  }

  /** Breaks off what is being sent, and resolves when that is noted. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all(this.#underWay)
  }

  #sendMore(): void {
    while (this.#underWay.size < mostAtOnce && !this.#closed.signal.aborted) {
      const letter = this.#waiting.take((sender) => (this.#sending.get(sender) ?? 0) < mostOfOne)
      if (letter === undefined) return
      const { sender, notice } = letter
      this.#sending.set(sender, (this.#sending.get(sender) ?? 0) + 1)
      const work = this.#send(letter)
        .catch((error: unknown) => this.#parts.complain(error))
        .finally(() => {
          this.#underWay.delete(work)
          this.#known.delete(notice.id)
          const left = (this.#sending.get(sender) ?? 1) - 1
          if (left > 0) this.#sending.set(sender, left)
          else this.#sending.delete(sender)
          this.#sendMore()
        })
      this.#underWay.add(work)
    }
  }

  async #send({ id, notice }: Letter): Promise<void> {
    const { ledger, notices, now, isInHand } = this.#parts
    const kept = await ledger.load(id)
    // An end takes back what need not be told any more.
    if (kept === undefined || kept.record.notices.every((each) => each.id !== notice.id)) return
    const sent = await notices.send(kept.record, notice, this.#closed.signal)
    await ledger.update(id, (record) => afterNotice(record, notice, sent, now()), !isInHand(id))
  }
}
