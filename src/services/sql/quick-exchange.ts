/** A query and the whole transaction around it in one exchange with the server, every statement of it prepared by name. */
import type { ReservedSQL, SQL } from 'bun'
import type { Clock, Timer } from '../../lib/clock.ts'
import { statementFailure } from './driver-error.ts'
import { type Answer, type Column, columnsOf, preparedReply, type Reply } from './driver-reply.ts'
import { literal } from './driver-text.ts'
import { ConnectionLost, ServerError } from './server-error.ts'

/** What is to be asked. */
export interface QuickQuery {
  /** BEGIN, in one of few texts. */
  readonly begin: TemplateStringsArray
  /** The limits of the transaction, in whole milliseconds. */
  readonly limitMs: number
  readonly text: string
  /** At least one: without any the first answer would come in another form than the later ones. */
  readonly params: (string | null)[]
  /** What it reads, where that has to be what it was. */
  readonly table?: Table
}

/** A table as a query names it, and the OID that was found under this name. */
export interface Table {
  readonly name: string
  readonly oid: string
}

/** A transaction on the server, for whoever wants it cancelled: its session, and when it began. */
export interface Running {
  readonly pid: number
  readonly since: string
}

/** What the exchange needs of its connection. */
interface Owner {
  readonly isSound: boolean
  discard(): void
  /** Has a transaction cancelled by another session. */
  cancel(running: Running): void
  /** Has the session ended that still runs what was sent then, in monotonic milliseconds. */
  stray(since: number): void
}

/** How many statements have names in one session, at most and about: each takes memory on the server. */
const mostNames = 256

/** How long the server may take to obey a cancellation, in milliseconds. */
const obeyMs = 450

/** How long a connection that stood idle may take to answer, in milliseconds, and when it counts as that. */
const firstAnswerMs = 5000
const freshMs = 1000

const cancelled = '57014'
/** Values that a type cannot hold: nothing is wrong with the statement. */
const isOfValues = /^22/

/** What was prepared reads the same table when there is another in front of it; and policies may run anything. */
const limits = `SELECT pg_catalog.current_setting('beamline.session', true),
  pg_catalog.pg_backend_pid()::pg_catalog.text, pg_catalog.now()::pg_catalog.text,
  CASE WHEN NOT pg_catalog.row_security_active(pg_catalog.to_regclass($2)::pg_catalog.oid)
    THEN pg_catalog.to_regclass($2)::pg_catalog.oid::pg_catalog.text END,
  pg_catalog.set_config('statement_timeout', $1, true), pg_catalog.set_config('lock_timeout', $1, true),
  pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true)`
const commit = literal('COMMIT')

/** The columns of a statement, and the OID of its table. */
interface Prepared {
  readonly columns: readonly Column[]
  readonly oid: string | undefined
}

/** Somebody between us and the server has given our transaction another session, where other statements may have our names. */
export class SessionMoved extends Error {
  override readonly name = 'SessionMoved'
}

/** Runs queries on a session of which the driver prepares the statements. Nothing else may run there but texts of ours. */
export class QuickExchange {
  readonly #session: ReservedSQL
  readonly #clock: Clock
  readonly #owner: Owner
  /** What the server's session is known by. */
  readonly #mark: string
  /** What has been prepared. */
  readonly #known = new Map<string, Prepared>()
  #answeredAt = Number.NEGATIVE_INFINITY

  constructor(session: ReservedSQL, clock: Clock, owner: Owner, mark: string) {
    this.#mark = mark
    this.#session = session
    this.#clock = clock
    this.#owner = owner
  }

  /** Whether its session has so many prepared statements that another one should take its place. */
  get isWorn(): boolean {
    return this.#known.size > mostNames
  }

  /**
   * Begins a transaction, sets its limits, runs the query and commits. Rejects with ServerError when that is the server's
   * answer, with the signal's reason when it aborts, and otherwise with ConnectionLost or SessionMoved.
   */
  async run(query: QuickQuery, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted()
    if (this.#isOutdated(query)) this.#owner.discard()
    if (!this.#owner.isSound) throw new ConnectionLost('lost')
    const from = this.#clock.monotonic()
    const sent = this.#send(query)
    const limit = from - this.#answeredAt < freshMs ? undefined : this.#expectAnswer(sent)
    try {
      const answer = await this.#answer(sent, query, from, signal)
      // It ended before the cancellation came, which must not hit what runs next.
      if (signal.aborted) this.#owner.discard()
      signal.throwIfAborted()
      this.#answeredAt = this.#clock.monotonic()
      return this.#reply(query, answer)
    } catch (thrown) {
      throw this.#failure(thrown, query, signal)
    } finally {
      limit?.cancel()
    }
  }

  /** Whether the statement was prepared when its table was another one, which it would go on to read. */
  #isOutdated({ text, table }: QuickQuery): boolean {
    const known = this.#known.get(text)
    return known !== undefined && known.oid !== table?.oid
  }

  #send({ begin, limitMs, text, params, table }: QuickQuery): Sent {
    const session = this.#session
    return [
      session<Answer>(begin).raw(),
      session.unsafe<Answer>(limits, [String(limitMs), table?.name ?? null]).raw(),
      session.unsafe<Answer>(text, params).raw(),
      session<Answer>(commit).raw(),
    ]
  }

  /** The third of the answers, when all are here: not before that another exchange may begin. */
  #answer(sent: Sent, { table }: QuickQuery, from: number, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const [begun, limited, asked, ended] = sent
      let left = sent.length
      let answer: Answer
      let failure: { readonly thrown: unknown } | undefined
      let timer: Timer | undefined
      const settle = (): void => {
        if (--left > 0) return
        signal.removeEventListener('abort', obey)
        timer?.cancel()
        if (failure === undefined) resolve(answer)
        else reject(failure.thrown)
      }
      const fail = (thrown: unknown): void => {
        failure ??= { thrown }
        settle()
      }
      // Of several at once the driver cannot cancel one.
      const obey = (): void => {
        void limited.then((limits) => this.#owner.cancel(runningOf(limits))).catch(() => undefined)
        timer = this.#clock.after(obeyMs, () => {
          signal.removeEventListener('abort', obey)
          this.#owner.stray(from)
          reject(signal.reason)
        })
      }
      signal.addEventListener('abort', obey)
      begun.then(settle, fail)
      limited.then((rows) => {
        const [session, , , oid] = rows[0] ?? []
        if (session?.toString() !== this.#mark) fail(new SessionMoved('The session is not the one that was opened'))
        else if (oid?.toString() !== table?.oid) fail(new Error('The table has changed'))
        else settle()
      }, fail)
      asked.then((rows) => {
        answer = rows
        settle()
      }, fail)
      ended.then(settle, fail)
    })
  }

  #expectAnswer([begun]: Sent): Timer {
    const limit = this.#clock.after(firstAnswerMs, () => this.#owner.discard())
    void begun.then(() => limit.cancel()).catch(() => undefined)
    return limit
  }

  #reply({ text, table }: QuickQuery, answer: Answer): Reply {
    const known = this.#known.get(text)
    const columns = known?.columns ?? columnsOf(answer)
    if (known === undefined) this.#known.set(text, { columns, oid: table?.oid })
    return preparedReply(answer, columns)
  }

  /** The driver keeps what it could not prepare, so only a session whose statements are all sound is used again. */
  #failure(thrown: unknown, { text }: QuickQuery, signal: AbortSignal): unknown {
    const failure = statementFailure(thrown)
    const state = failure instanceof ServerError && this.#known.has(text) ? failure.sqlState : ''
    if (!(isOfValues.test(state) || state === cancelled)) this.#owner.discard()
    return signal.aborted ? signal.reason : failure
  }
}

type Sent = readonly [SQL.Query<Answer>, SQL.Query<Answer>, SQL.Query<Answer>, SQL.Query<Answer>]

function runningOf(answer: Answer): Running {
  const [, pid, since] = answer[0] ?? []
  return { pid: Number(pid?.toString()), since: since?.toString() ?? '' }
}
