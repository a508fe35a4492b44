/** Reading rows: in portions, and no further than is allowed. */
import type { Clock } from '../../lib/clock.ts'
import type { Turns } from '../../lib/turns.ts'
import { builtinTypes } from './builtin-types.ts'
import type { Catalog } from './catalog.ts'
import type { Connection } from './connection.ts'
import { decoder } from './decode.ts'
import type { Reply } from './driver-reply.ts'
import type { RowBudget } from './row-budget.ts'
import { firstBatch } from './row-limit.ts'
import { hasFixedSize, type TypeInfo, unknownType } from './type-info.ts'

/** No batch has more rows where one may have any size. */
const mostUnbounded = 64

/** What a batch has at most where all columns have a size, in bytes of their longest values, so many each. */
const mostFixedBytes = 4 * 1024 * 1024
const longestFixed = 64

/** What later batches aim at, in bytes of values: some milliseconds of work. */
const batchBytes = 64 * 1024

/** Rows may become larger all of a sudden: no batch has more than this many times the rows of the one before. */
const batchGrowth = 4

/** A column of a result. */
export interface ResultColumn {
  readonly name: string
  /** As PostgreSQL names it, such as `timestamp with time zone`. */
  readonly type: string
}

/** Makes rows of values, given the columns of the result. */
export type Shape = (columns: readonly ResultColumn[]) => (values: readonly unknown[]) => unknown

/** What rows are read with. */
export interface Reading {
  readonly connection: Connection
  readonly catalog: Catalog
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly turns: Turns
  readonly budget: RowBudget
  readonly shape: Shape
  /** No more rows are wanted, however many there are. */
  readonly most: number
  /** Whether the columns count. */
  readonly showsColumns: boolean
  /** Statements of ours, with their semicolons, that go before each portion. */
  readonly before: (() => string) | undefined
}

/** The rows of a statement. */
export interface Rows {
  readonly columns: readonly ResultColumn[]
  readonly rows: readonly unknown[]
  /** There were more. */
  readonly truncated: boolean
}

/** Reads an open cursor to its end or its limit. Rejects with QUOTA_EXCEEDED or OUTPUT_TOO_LARGE, or as the connection does. */
export async function readCursor(cursor: string, reading: Reading): Promise<Rows> {
  const { connection, signal, budget, most, before } = reading
  let taker: RowTaker | undefined
  let ask = Math.min(firstBatch, most, budget.rowsLeft + 1)
  for (;;) {
    const reply = (await connection.control(`${before?.() ?? ''}FETCH ${ask} FROM ${cursor}`, signal)).at(-1)
    if (reply === undefined) return nothing
    taker ??= await takerOf(reply, reading)
    const goesOn = await taker.take(reply)
    if (!goesOn || reply.rows.length < ask) return taker.result
    const wanted = Math.min(ask * batchGrowth, budget.rowsLeft + 1, most - taker.result.rows.length)
    ask = Math.max(1, Math.min(taker.mostAtOnce, wanted))
  }
}

/** The rows of a reply that has come whole. Rejects as readCursor does. */
export async function readReply(reply: Reply, reading: Reading): Promise<Rows> {
  if (reply.columns.length === 0) return nothing
  const taker = await takerOf(reply, reading)
  await taker.take(reply)
  return taker.result
}

const nothing: Rows = { columns: [], rows: [], truncated: false }

async function takerOf({ columns }: Reply, reading: Reading): Promise<RowTaker> {
  const { catalog, connection, signal } = reading
  const isKnown = columns.every(({ type }) => builtinTypes.has(type))
  const types = isKnown
    ? builtinTypes
    : await catalog.types(
        columns.map(({ type }) => type),
        connection,
        signal,
      )
  return new RowTaker(
    columns.map(({ name, type }) => ({ name, type: types.get(type) ?? unknownType })),
    reading,
  )
}

/** Makes rows of what comes, as far as is allowed. */
class RowTaker {
  readonly #columns: readonly ResultColumn[]
  readonly #decoders: readonly ((text: string) => unknown)[]
  readonly #row: (values: readonly unknown[]) => unknown
  readonly #rows: unknown[] = []
  readonly #reading: Reading
  readonly #mostRows: number
  #largest = 1
  #truncated = false

  constructor(columns: readonly { readonly name: string; readonly type: TypeInfo }[], reading: Reading) {
    this.#columns = columns.map(({ name, type }) => ({ name, type: type.name }))
    this.#decoders = columns.map(({ type }) => decoder(type))
    this.#row = reading.shape(this.#columns)
    this.#reading = reading
    const isFixed = columns.every(({ type }) => hasFixedSize(type))
    const fixed = Math.floor(mostFixedBytes / (longestFixed * Math.max(1, columns.length)))
    this.#mostRows = isFixed ? Math.max(mostUnbounded, fixed) : mostUnbounded
    if (reading.showsColumns) reading.budget.takesBeside(Buffer.byteLength(JSON.stringify(this.#columns)))
  }

  /** How many rows may come at once, when they are as large as the largest was. */
  get mostAtOnce(): number {
    return Math.min(this.#mostRows, Math.floor(batchBytes / this.#largest))
  }

  get result(): Rows {
    return { columns: this.#columns, rows: this.#rows, truncated: this.#truncated }
  }

  /** Takes the rows of a reply, and gives other work its turn now and then. Resolves with whether more are wanted. */
  async take({ rows, bytes }: Reply): Promise<boolean> {
    const { budget, turns, clock, signal, most } = this.#reading
    if (most === Number.POSITIVE_INFINITY) budget.foresee(rows.length, bytes)
    let done = 0
    for (const row of rows) {
      if (this.#rows.length >= most) return false
      const size = textSize(row)
      this.#largest = Math.max(this.#largest, size)
      done += size
      if (done > batchBytes && done > size) {
        done = size
        await turns.next(clock)
        signal.throwIfAborted()
      }
      if (!this.#takes(row, size)) {
        this.#truncated = true
        return false
      }
    }
    return this.#rows.length < most
  }

  #takes(row: readonly (string | null)[], size: number): boolean {
    const { budget } = this.#reading
    if (!budget.admits(size)) return false
    const made = this.#row(row.map((text, index) => (text === null ? null : this.#decoders[index]?.(text))))
    if (!budget.takes(Buffer.byteLength(JSON.stringify(made)) + 1)) return false
    this.#rows.push(made)
    return true
  }
}

function textSize(row: readonly (string | null)[]): number {
  let size = 0
  for (const text of row) size += text?.length ?? 0
  return size
}
