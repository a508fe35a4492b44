/** The transaction of a query that is known to touch nothing, which begins and ends with it. */
import { isReadPrepared } from './binary-text.ts'
import type { Reply } from './driver-reply.ts'
import { literal } from './driver-text.ts'
import { checkParameterCount, encode } from './encode.ts'
import { type QuickExchange, SessionMoved } from './quick-exchange.ts'
import { limitedText, usualLimit } from './row-limit.ts'
import { type Reading, readReply } from './rows.ts'
import { ConnectionLost, ServerError } from './server-error.ts'
import { isCutShort, sqlFailure } from './sql-failure.ts'
import type { SqlTransaction, StatementResult, StatementRun } from './statement.ts'
import { type Isolation, limitOf, type Mode, modeText } from './transaction.ts'

/** What it is run with. */
interface Circumstances extends Omit<Reading, 'shape' | 'most' | 'showsColumns' | 'before'> {
  readonly quick: QuickExchange
  readonly mode: Mode
  readonly timeLeftMs: () => number
}

/** What begins a transaction, by its isolation. */
const begins = new Map<Isolation | undefined, TemplateStringsArray>()

/** Whatever has become of the table: nothing is written. */
function beginning(isolation: Isolation | undefined): TemplateStringsArray {
  const text = begins.get(isolation) ?? literal(modeText({ isolation, readOnly: true }))
  begins.set(isolation, text)
  return text
}

/** The query was not quick after all: nothing was kept, and the usual transaction tells more. */
export class NotQuick extends Error {
  override readonly name = 'NotQuick'
}

/** Runs one query. Rejects with NotQuick when it has to be run in another transaction, otherwise as the usual ones do. */
export class QuickTransaction implements SqlTransaction {
  readonly #circumstances: Circumstances

  constructor(circumstances: Circumstances) {
    this.#circumstances = circumstances
  }

  async run(given: StatementRun): Promise<StatementResult> {
    const { signal, catalog, budget } = this.#circumstances
    const { statement, most = Number.POSITIVE_INFINITY, shape, showsColumns } = given
    const enough = Math.min(most, budget.rowsLeft + 1)
    const limit = Math.min(enough, usualLimit)
    const reply = await this.#answer(given, limit)
    if (reply.rows.length === limit && limit !== enough) {
      catalog.foundMany(statement.text)
      throw new NotQuick('The query gives many rows')
    }
    const { connection, clock, turns } = this.#circumstances
    const reading = { connection, catalog, signal, clock, turns, budget, most, shape, showsColumns, before: undefined }
    const { columns, rows, truncated } = await readReply(reply, reading)
    return { columns, rows, truncated, affected: 0 }
  }

  async #answer(given: StatementRun, limit: number): Promise<Reply> {
    const { signal, catalog, timeLeftMs } = this.#circumstances
    try {
      return await this.#ask(given, limit)
    } catch (thrown) {
      signal.throwIfAborted()
      if (isCutShort(thrown))
        throw sqlFailure(thrown, { timeLeftMs: timeLeftMs(), statement: given.index, unsent: true })
      if (!(thrown instanceof ConnectionLost)) catalog.forget(given.statement.text)
      throw new NotQuick('The query could not be run in one exchange', { cause: thrown })
    }
  }

  async #ask({ statement: { text }, args }: StatementRun, limit: number): Promise<Reply> {
    const { quick, mode, timeLeftMs, catalog, connection, signal } = this.#circumstances
    const { queries } = catalog
    const query = queries.find(text)
    if (query === undefined) throw new Error('the query is not known any more')
    if (queries.isOld(query) && !(await queries.isStillSo(query, connection, signal)))
      throw new Error('the table has changed')
    checkParameterCount(args.length, query.types.length)
    const params = args.map((arg, index) => encode(arg, query.types[index], index))
    const begin = beginning(mode.isolation)
    const limitMs = limitOf(timeLeftMs())
    const limited = limit === usualLimit ? query.limited : limitedText(text, limit)
    const reply = await quick.run({ begin, limitMs, text: limited, params, table: query.table }, signal)
    if (!reply.columns.every(isRead)) throw new Error('the columns have changed')
    return reply
  }
}

function isRead({ type }: Reply['columns'][number]): boolean {
  return isReadPrepared(type)
}

/** Whether the driver's statements are not there any more: something between us and the server does not keep them. */
export function hasLostNames({ cause }: NotQuick): boolean {
  return cause instanceof SessionMoved || (cause instanceof ServerError && lostNames.has(cause.sqlState))
}

const lostNames: ReadonlySet<string> = new Set(['26000', '42P05'])
