import { type Bus, PublishError, type Subscription } from '../bus/bus.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { jobKey } from '../protocol/ids.ts'
import { decodeResult, type ReceivedResult } from '../protocol/received-result.ts'
import type { Subjects } from '../protocol/subjects.ts'
import type { Submission } from './submission.ts'

interface Options {
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>
  readonly subjects: Pick<Subjects, 'assign' | 'result'>
  readonly clock: Clock
}

/** What became of a submission: its result, or nothing yet. */
export interface Submitted {
  readonly result: ReceivedResult | undefined
}

/** A result that has not come yet. */
interface AwaitedResult extends PromiseWithResolvers<ReceivedResult> {
  /** How many callers wait for it at the moment. */
  waiting: number
  /** The assignment has arrived at the bus, so the result will come. */
  handedOver: boolean
}

/** How many submissions are remembered, how long in milliseconds, and how large their results may be together. */
const memory = { maxEntries: 10_000, maxAgeMs: 3_600_000, maxSize: 64_000_000 }

/** How long an assignment may take to arrive at the bus, in milliseconds, a lost connection included. */
const handOverMs = 5000

/** Sends assignments and hears their results. Results are only listened to while one is awaited. */
export class Submissions implements AsyncDisposable {
  readonly #options: Options
  /** In the order in which they were submitted. */
  readonly #awaited = new Map<string, AwaitedResult>()
  readonly #known: BoundedMap<string, Submitted>
  readonly #tenants: BoundedMap<string, string>
  #subscription: Subscription | undefined

  constructor(options: Options) {
    this.#options = options
    this.#known = new BoundedMap(memory, options.clock)
    this.#tenants = new BoundedMap(memory, options.clock)
  }

  /**
   * Publishes an assignment and waits up to `waitMs` for its result; undefined when there is none by then (it is still
   * listened for). Rejects with a PublishError when the assignment is not known to have arrived.
   */
  async submit(submission: Submission, waitMs: number, signal?: AbortSignal): Promise<ReceivedResult | undefined> {
    const { bus, subjects, clock } = this.#options
    const key = jobKey(submission)
    const awaited = this.#await(key)
    awaited.waiting += 1
    this.#tenants.set(submission.assignmentId, submission.tenantId)
    const limit = new AbortController()
    const stop = (): void => limit.abort()
    signal?.addEventListener('abort', stop, { once: true })
    const handOver = clock.after(handOverMs, stop)
    try {
      await bus.publish({ subject: subjects.assign, body: submission.body }, limit.signal)
      awaited.handedOver = true
      handOver.cancel()
      const timeUp = clock.sleep(waitMs, limit.signal).catch(() => undefined)
      return (await Promise.race([awaited.promise, timeUp])) ?? undefined
    } catch (error) {
      // Somebody else may have handed over the same, or be about to.
      if (!awaited.handedOver && awaited.waiting === 1) {
        this.#forget(key)
        this.#known.delete(key)
      }
      throw error instanceof PublishError
        ? error
        : new PublishError('unconfirmed', 'The assignment was not handed over in time')
    } finally {
      awaited.waiting -= 1
      handOver.cancel()
      signal?.removeEventListener('abort', stop)
      limit.abort()
    }
  }

  /** The tenant in whose name this process last submitted the id. */
  tenantOf(assignmentId: string): string | undefined {
    return this.#tenants.get(assignmentId)
  }

  /** What is known of a submission of this process; undefined when there was none lately. */
  find(submission: Pick<Submission, 'tenantId' | 'assignmentId'>): Submitted | undefined {
    return this.#known.get(jobKey(submission))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscription?.stop()
  }

  /** The result of a key; who submits the same one twice waits for the same result. */
  #await(key: string): AwaitedResult {
    this.#forgetOld()
    this.#known.set(key, { result: undefined })
    this.#subscription ??= this.#options.bus.subscribe(this.#options.subjects.result, (message) =>
      this.#hear(message.body),
    )
    const awaited = this.#awaited.get(key) ?? newAwaited()
    this.#awaited.set(key, awaited)
    return awaited
  }

  #hear(body: Uint8Array): void {
    const received = decodeResult(body)
    if (received === undefined) return
    const key = jobKey(received)
    const awaited = this.#awaited.get(key)
    if (awaited === undefined) return
    this.#known.set(key, { result: received }, body.byteLength)
    this.#forget(key)
    awaited.resolve(received)
  }

  #forget(key: string): void {
    this.#awaited.delete(key)
    if (this.#awaited.size > 0) return
    void this.#subscription?.stop()
    this.#subscription = undefined
  }

  /** Results that never came and that nobody waits for are not listened for any longer than submissions are remembered. */
  #forgetOld(): void {
    for (const [key, { waiting }] of this.#awaited) {
      if (this.#known.get(key) !== undefined) return
      if (waiting === 0) this.#forget(key)
    }
  }
}

function newAwaited(): AwaitedResult {
  return { ...Promise.withResolvers<ReceivedResult>(), waiting: 0, handedOver: false }
}
