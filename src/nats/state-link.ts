import type { NatsConnection } from '@nats-io/nats-core'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { StoreError } from '../store/state-store.ts'
import type { Connection } from './connection.ts'
import { absence, reasonOf } from './jetstream-api.ts'
import { RecordIndex } from './record-index.ts'
import { RecordWatch } from './record-watch.ts'
import { bucketFault, findStateBucket, makeStateBucket } from './state-bucket.ts'
import { StateRecords } from './state-records.ts'

/** How long to wait, in milliseconds, before trying again what has failed. */
const tryAgainMs = 1_000
/** How long somebody waits for a bucket that is being opened, in milliseconds. */
const patienceMs = 5_000
/** What a message has beside the value, in bytes, with room to spare: subject, reply and headers. */
const overheadBytes = 512

export interface LinkParts {
  readonly connection: Connection
  readonly replicas: number
  readonly clock: Clock
  readonly log: Logger
}

/** A bucket that can be used. */
export interface OpenedBucket {
  readonly records: StateRecords
  /** Up to date. */
  readonly index: RecordIndex
}

interface Waiter {
  resolve(opened: OpenedBucket): void
  reject(error: StoreError): void
}

/** Holds on to the bucket: opens it on each connection, makes it when it is missing, and follows it. */
export class StateLink implements Disposable {
  readonly #parts: LinkParts
  readonly #waiting = new Set<Waiter>()
  #opened: OpenedBucket | undefined
  #problem: string | undefined = 'not connected'
  #index = new RecordIndex()
  #watch: RecordWatch | undefined
  #timer: Timer | undefined
  /** Counts the attempts: what belongs to an earlier one is void. */
  #attempt = 0
  #begunAt = Number.NEGATIVE_INFINITY
  /** When the bucket was made, as it was found the last time. */
  #created: string | undefined
  #mostBytes = Number.POSITIVE_INFINITY
  /** The last attempt has failed: nobody need wait for the next one. */
  #failing = false
  #closed = false

  constructor(parts: LinkParts) {
    this.#parts = parts
    const { connection } = parts
    connection.onUp(() => this.#begin())
    connection.onDown(() => {
      this.#end('not connected')
      this.#failing = false
      this.#refuse()
    })
    if (connection.connected) this.#begin()
  }

  /** What is missing; undefined: nothing. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** As it was known the last time. */
  get index(): RecordIndex {
    return this.#index
  }

  /** The largest value, in bytes. */
  get maxValueBytes(): number {
    return Math.min(this.#parts.connection.maxPayload, this.#mostBytes) - overheadBytes
  }

  /** Resolves when the bucket can be used; rejects with a StoreError at once without a connection, else in a few seconds. */
  opened(signal: AbortSignal): Promise<OpenedBucket> {
    if (this.#opened !== undefined) return Promise.resolve(this.#opened)
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#failing || !this.#parts.connection.connected) return reject(this.#refusal())
      const leave = (): void => {
        this.#waiting.delete(waiter)
        late.cancel()
        signal.removeEventListener('abort', abort)
      }
      const waiter: Waiter = {
        resolve: (opened) => {
          leave()
          resolve(opened)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      const abort = (): void => {
        leave()
        reject(signal.reason)
      }
      const late = this.#parts.clock.after(patienceMs, () => waiter.reject(this.#refusal()))
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.add(waiter)
    })
  }

  /** What was asked of this bucket has shown that it is gone. */
  gone(opened: OpenedBucket): void {
    if (this.#opened === opened) this.#lose('the bucket is gone')
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#end('closed')
    this.#refuse()
  }

  #begin(): void {
    if (this.#closed) return
    const { nats } = this.#parts.connection
    this.#end(this.#problem ?? 'being opened')
    if (nats === undefined) return
    this.#begunAt = this.#parts.clock.monotonic()
    void this.#open(nats, this.#attempt)
  }

  /** What was begun is void. */
  #end(problem: string): void {
    this.#attempt += 1
    this.#timer?.cancel()
    this.#watch?.[Symbol.dispose]()
    this.#watch = undefined
    this.#opened = undefined
    this.#problem = problem
  }

  async #open(nats: NatsConnection, attempt: number): Promise<void> {
    const { clock } = this.#parts
    try {
      await this.#find(nats)
      const records = await StateRecords.over(nats)
      if (attempt !== this.#attempt) return
      const index = new RecordIndex()
      const watch = await RecordWatch.open({
        nats,
        index,
        clock,
        onLoaded: () => {
          if (attempt === this.#attempt) this.#take({ records, index })
        },
        onLost: (reason) => {
          if (attempt === this.#attempt) this.#lose(reason)
        },
      })
      if (attempt === this.#attempt) this.#watch = watch
      else watch[Symbol.dispose]()
    } catch (error) {
      if (attempt !== this.#attempt) return
      this.#failing = true
      this.#lose(wordsFor(error))
      this.#refuse()
    }
  }

  async #find(nats: NatsConnection): Promise<void> {
    const { replicas, log } = this.#parts
    const found = (await findStateBucket(nats)) ?? (await makeStateBucket(nats, replicas))
    if (found.created !== this.#created) {
      if (this.#created !== undefined) log.error('The bucket of the state was deleted; all that was kept in it is lost')
      const fault = bucketFault(found)
      if (fault !== undefined) log.warn('The bucket of the state may lose records', { context: { reason: fault } })
    }
    this.#created = found.created
    this.#mostBytes = found.config.max_msg_size > 0 ? found.config.max_msg_size : Number.POSITIVE_INFINITY
  }

  #take(opened: OpenedBucket): void {
    this.#opened = opened
    this.#index = opened.index
    this.#problem = undefined
    this.#failing = false
    for (const waiter of this.#waiting) waiter.resolve(opened)
  }

  #lose(reason: string): void {
    const { clock, log } = this.#parts
    if (this.#problem !== reason) log.warn('The state cannot be reached', { context: { reason } })
    this.#end(reason)
    // What is lost as soon as it was there would be asked for without a pause.
    this.#timer = clock.after(Math.max(0, this.#begunAt + tryAgainMs - clock.monotonic()), () => this.#begin())
  }

  #refuse(): void {
    for (const waiter of this.#waiting) waiter.reject(this.#refusal())
  }

  #refusal(): StoreError {
    return new StoreError('unreachable', `The state cannot be reached: ${this.#problem ?? 'unknown'}`)
  }
}

function wordsFor(error: unknown): string {
  return absence(error) === 'no-jetstream' ? 'the server has no JetStream for this account' : reasonOf(error)
}
