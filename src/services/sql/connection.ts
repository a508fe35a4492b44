import type { ReservedSQL, SQL } from 'bun'
import type { Clock, Timer } from '../../lib/clock.ts'
import { statementFailure } from './driver-error.ts'
import { ConnectionLost, ServerError } from './server-error.ts'

/** A value for a parameter of type json or jsonb: this JSON, also when it is a string. */
interface JsonParam {
  readonly json: unknown
}

/** The value of a parameter: its text, NULL, or JSON. */
export type Param = string | null | JsonParam

/** A column of a reply: its name, and the OID of its type. */
interface Column {
  readonly name: string
  readonly type: number
}

/** What a server answered to one statement. */
export interface Reply {
  /** The command tag's word, such as `SELECT`. */
  readonly command: string
  /** The command tag's count of rows, 0 when it has none. */
  readonly affected: number
  readonly columns: readonly Column[]
  /** The values in the text form of their types. */
  readonly rows: readonly (readonly (string | null)[])[]
  /** The size of all values as they came. */
  readonly bytes: number
}

/**
 * One session of a server; it runs one thing at a time. An aborted signal cancels on the server: the call rejects with the
 * signal's reason within half a second, and a connection that did not obey by then is ended. Otherwise calls reject
 * with ServerError, or with ConnectionLost when the connection ended.
 */
export interface Connection extends AsyncDisposable {
  /** False when it is lost, stuck or in an unknown state: not to be used again. */
  readonly isSound: boolean
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

  /** `session` is the only one of the `client`. To be discarded when the client says that it ended. */
  constructor(client: SQL, session: ReservedSQL, clock: Clock) {
    this.#client = client
    this.#session = session
    this.#clock = clock
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

/** Rows as they came, with what the server said of them. */
type Answer = (Buffer | null)[][] & Pick<SQL.ResultMetadata, 'command' | 'count' | 'columns'>

/** Of several statements: an answer for each. */
type Answers = Answer | Answer[]

function isOne(answers: Answers): answers is Answer {
  return 'command' in answers
}

/** Takes apart what the driver gives only when somebody looks: at most answers nobody does, and it costs more than the answer. */
class DriverReply implements Reply {
  readonly #answer: Answer
  #columns: readonly Column[] | undefined
  #rows: (string | null)[][] | undefined
  #bytes = 0

  constructor(answer: Answer) {
    this.#answer = answer
  }

  get command(): string {
    return this.#answer.command ?? ''
  }

  get affected(): number {
    return this.#answer.count
  }

  get columns(): readonly Column[] {
    this.#columns ??= (this.#answer.columns ?? []).map(({ name, type }) => ({ name, type }))
    return this.#columns
  }

  get bytes(): number {
    this.#read()
    return this.#bytes
  }

  get rows(): readonly (readonly (string | null)[])[] {
    return this.#read()
  }

  /** By hand: the driver's rows are arrays of a class of its own, and `map` would make another such. */
  #read(): (string | null)[][] {
    if (this.#rows !== undefined) return this.#rows
    this.#rows = []
    for (const row of this.#answer) {
      const texts: (string | null)[] = []
      for (const value of row) {
        this.#bytes += value?.length ?? 0
        texts.push(value === null ? null : value.toString())
      }
      this.#rows.push(texts)
    }
    return this.#rows
  }
}

function replyOf(answer: Answer): Reply {
  return new DriverReply(answer)
}

function repliesOf(answers: Answers): readonly Reply[] {
  return isOne(answers) ? [replyOf(answers)] : answers.map(replyOf)
}

/** The driver writes an object as JSON whatever the value in it is; of its own, a string is text, a number no JSON. */
function driverValue(param: Param): unknown {
  return param === null || typeof param === 'string' ? param : { toJSON: () => param.json }
}

/** The text as the driver takes the literal part of a tagged template: with a `raw` that is not enumerable. */
function literal(text: string): TemplateStringsArray {
  // What defineProperty adds is not in its type.
  return Object.defineProperty([text], 'raw', { value: [text] }) as unknown as TemplateStringsArray
}
