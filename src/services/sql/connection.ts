import type { ReservedSQL, SQL } from 'bun'
import type { Clock, Timer } from '../../lib/clock.ts'
import { statementFailure } from './driver-error.ts'
import { type Answer, type Answers, type Reply, repliesOf, replyOf } from './driver-reply.ts'
import { literal } from './driver-text.ts'
import { QuickExchange, type Running } from './quick-exchange.ts'
import { ConnectionLost, ServerError } from './server-error.ts'

/** A value for a parameter of type json or jsonb: this JSON, also when it is a string. */
interface JsonParam {
  readonly json: unknown
}

/** The value of a parameter: its text, NULL, or JSON. */
export type Param = string | null | JsonParam

/**
 * One session of a server; it runs one thing at a time. An aborted signal cancels on the server: the call rejects with the
 * signal's reason within half a second, and a connection that did not obey by then is ended. Otherwise calls reject
 * with ServerError, or with ConnectionLost when the connection ended.
 */
export interface Connection extends AsyncDisposable {
  /** False when it is lost, stuck or in an unknown state: not to be used again. */
  readonly isSound: boolean
  /** Where the driver prepares statements: nothing else runs there but fixed texts of ours. */
  readonly quick: QuickExchange | undefined
  /** Runs fixed texts of ours, several statements at once, by the simple protocol. */
  control(text: string, signal?: AbortSignal): Promise<readonly Reply[]>
  /** Runs one statement by the extended protocol; the server refuses several in one text. */
  statement(text: string, params: readonly Param[], signal: AbortSignal): Promise<Reply>
  /** Marks it as not to be used again. */
  discard(): void
}

/** How long a server may take to obey a cancellation, in milliseconds. */
const obeyMs = 450

const cancelled = '57014'

/** A connection of the runtime's driver: a pool of one that is reserved for good, so that it never reconnects by itself. */
export class DriverConnection implements Connection {
  readonly #client: SQL
  readonly #session: ReservedSQL
  readonly #clock: Clock
  #isSound = true
  /** The signal that is listened to. */
  #heeded: AbortSignal | undefined
  /** Asks the server to end what runs now. */
  #cancel: (() => void) | undefined
  /** Ends the wait for what runs now. */
  #giveUp: ((reason: unknown) => void) | undefined
  #limit: Timer | undefined
  #stray: ((since: number) => void) | undefined
  #cancelElsewhere: ((running: Running) => void) | undefined
  readonly quick: QuickExchange | undefined

  /** `session` is the only one of the `client`; with a mark it is for quick exchanges. To be discarded when the client says that it ended. */
  constructor(client: SQL, session: ReservedSQL, clock: Clock, mark: string | undefined) {
    this.#client = client
    this.#session = session
    this.#clock = clock
    if (mark !== undefined) this.quick = new QuickExchange(session, clock, this, mark)
  }

  get isSound(): boolean {
    return this.#isSound
  }

  control(text: string, signal?: AbortSignal): Promise<readonly Reply[]> {
    return this.#run(() => this.#session.unsafe<Answers>(text).simple(), repliesOf, signal)
  }

  statement(text: string, params: readonly Param[], signal: AbortSignal): Promise<Reply> {
    // Without parameters `unsafe` takes the simple protocol, and with it several statements.
    const query = (): SQL.Query<Answer> =>
      params.length === 0 ? this.#session(literal(text)) : this.#session.unsafe(text, params.map(driverValue))
    return this.#run(query, replyOf, signal)
  }

  discard(): void {
    if (!this.#isSound) return
    this.#isSound = false
    void this.#close()
  }

  /** Has it told when the server does not heed a cancellation, with when that was sent which goes on, in monotonic milliseconds. */
  onStray(stray: (since: number) => void): void {
    this.#stray = stray
  }

  stray(since: number): void {
    this.#stray?.(since)
  }

  /** Has it told which transaction is to be cancelled by another session. */
  onCancel(cancel: (running: Running) => void): void {
    this.#cancelElsewhere = cancel
  }

  cancel(running: Running): void {
    this.#cancelElsewhere?.(running)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isSound = false
    await this.#close()
  }

  async #close(): Promise<void> {
    await this.#client.close({ timeout: 0 }).catch(() => undefined)
  }

  async #run<T, R>(start: () => SQL.Query<T>, read: (answer: T) => R, signal: AbortSignal | undefined): Promise<R> {
    signal?.throwIfAborted()
    if (!this.#isSound) throw new ConnectionLost('lost')
    const from = this.#clock.monotonic()
    let isStray = false
    const query = start().raw()
    this.#heed(signal)
    this.#cancel = () => void query.cancel()
    try {
      const answer = await new Promise<T>((resolve, reject) => {
        this.#giveUp = (reason) => {
          isStray = true
          reject(reason)
        }
        query.then(resolve, reject)
      })
      // It ended before the cancellation came, which must not hit what runs next.
      if (signal?.aborted === true) this.discard()
      signal?.throwIfAborted()
      return read(answer)
    } catch (thrown) {
      if (isStray) this.#stray?.(from)
      if (signal?.aborted !== true) return this.#fail(thrown)
      const failure = statementFailure(thrown)
      if (!(failure instanceof ServerError && failure.sqlState === cancelled)) this.discard()
      throw signal.reason
    } finally {
      this.#limit?.cancel()
      this.#cancel = undefined
    }
  }

  /** One listener for all that runs under a signal: a job runs several things, and listening costs more than some of them. */
  #heed(signal: AbortSignal | undefined): void {
    if (signal === this.#heeded) return
    this.#heeded?.removeEventListener('abort', this.#obey)
    this.#heeded = signal
    signal?.addEventListener('abort', this.#obey)
  }

  readonly #obey = (): void => {
    if (this.#cancel === undefined) return
    this.#cancel()
    this.#limit = this.#clock.after(obeyMs, () => this.#giveUp?.(this.#heeded?.reason))
  }

  #fail(thrown: unknown): never {
    const failure = statementFailure(thrown)
    if (!(failure instanceof ServerError)) this.discard()
    throw failure
  }
}

/** The driver writes an object as JSON whatever the value in it is; of its own, a string is text, a number no JSON. */
function driverValue(param: Param): unknown {
  return param === null || typeof param === 'string' ? param : { toJSON: () => param.json }
}
