import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import { isReadPrepared } from './binary-text.ts'
import type { Connection } from './connection.ts'
import { oidOf, plainPrint, plainTable } from './plain-table.ts'
import type { Table } from './quick-exchange.ts'
import { limitedText, usualLimit } from './row-limit.ts'
import type { TypeInfo } from './type-info.ts'

/** How many are remembered, and how many characters of them. */
const bounds = { maxEntries: 1000, maxSize: 4_000_000 }
/** How long what is known of a table is taken to be so, and how long a query is remembered that nobody sends, in milliseconds. */
const freshMs = 60_000
const keptMs = 600_000

/** What is known of a query. */
export interface KnownQuery {
  readonly text: string
  /** Its text with the usual limit of rows. */
  readonly limited: string
  /** The types of its parameters, of which there are some. */
  readonly types: readonly TypeInfo[]
  /** The table that it reads, and all that was told of it. */
  readonly table: Table
  readonly print: string
  /** From then on it is to be asked again whether that is still so, in monotonic milliseconds. */
  readonly freshUntil: number
}

/** Queries that run nobody's function, of which everything is known that a quick exchange needs. */
export class KnownQueries {
  readonly #clock: Clock
  readonly #prints: BoundedMap<string, string>
  readonly #known: BoundedMap<string, KnownQuery>
  #changes = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#prints = new BoundedMap({ ...bounds, maxAgeMs: freshMs }, clock)
    this.#known = new BoundedMap({ ...bounds, maxAgeMs: keptMs }, clock)
  }

  /** Whether a query reads columns of a table only, which nothing but comparisons of columns finds. Asked once a minute. */
  async touchesNothing(text: string, connection: Connection, signal: AbortSignal): Promise<boolean> {
    const table = plainTable(text)
    if (table === undefined) return false
    const remembered = this.#prints.get(text)
    if (remembered !== undefined) return remembered !== ''
    const print = (await plainPrint(table, connection, signal)) ?? ''
    this.#prints.set(text, print, text.length)
    return print !== ''
  }

  /** How often a table was not any more what it had been: until that was seen, its query may have run whatever it has become. */
  get changes(): number {
    return this.#changes
  }

  /** A query that was learned. */
  find(text: string): KnownQuery | undefined {
    return this.#known.get(text)
  }

  /** Whether it is time to ask again. */
  isOld({ freshUntil }: KnownQuery): boolean {
    return freshUntil <= this.#clock.monotonic()
  }

  /** Whether it still reads the same columns of the same table, which is asked outside a transaction; if not, it is forgotten. */
  async isStillSo(query: KnownQuery, connection: Connection, signal: AbortSignal): Promise<boolean> {
    const isSame = (await plainPrint(query.table.name, connection, signal)) === query.print
    if (isSame) this.#keep(query)
    else {
      this.forget(query.text)
      this.#changes++
    }
    return isSame
  }

  /** Learns a query that touches nothing, of which the parameters and the columns (their OIDs) have these types, if all can be read. */
  learn(text: string, types: readonly TypeInfo[], columns: readonly number[]): void {
    const name = plainTable(text)
    const print = this.#prints.get(text) ?? ''
    if (name === undefined || print === '' || types.length === 0 || !columns.every(isReadPrepared)) return
    const table = { name, oid: oidOf(print) }
    this.#keep({ text, limited: limitedText(text, usualLimit), table, print, types })
  }

  #keep(query: Omit<KnownQuery, 'freshUntil'>): void {
    const known = { ...query, freshUntil: this.#clock.monotonic() + freshMs }
    this.#known.set(query.text, known, query.text.length)
  }

  forget(text: string): void {
    this.#prints.delete(text)
    this.#known.delete(text)
  }
}
