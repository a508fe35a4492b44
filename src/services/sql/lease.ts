import type { Catalog } from './catalog.ts'
import type { Connection } from './connection.ts'

/** The right to use a connection alone; disposing gives it back, or ends it when it is not sound. */
export interface Lease extends AsyncDisposable {
  readonly connection: Connection
  /** What is known of the types of this database. */
  readonly catalog: Catalog
  /** Gives it back while something of it still has to end, which never rejects: who gets the connection next waits until then. */
  giveBack(settled: Promise<void>): void
  /** Has no connection for quick exchanges lent for a minute. */
  stopQuick(): void
}

/** Opens a connection, within a time limit of its own; `isQuick` for quick exchanges. */
export type Open = (signal: AbortSignal, isQuick: boolean) => Promise<Connection>

/** Who lends connections. */
export interface Lender {
  /** Takes one that was lent, of which something may still have to end. */
  takeBack(connection: Connection, tenantId: string, settled: Promise<void> | undefined): void
  /** Lends no connection for quick exchanges for a minute. */
  stopQuick(): void
}

/** A lease of one connection to one tenant. */
export class PoolLease implements Lease {
  readonly connection: Connection
  readonly catalog: Catalog
  readonly #tenantId: string
  readonly #pool: Lender
  #isLent = true

  constructor(connection: Connection, catalog: Catalog, tenantId: string, pool: Lender) {
    this.connection = connection
    this.catalog = catalog
    this.#tenantId = tenantId
    this.#pool = pool
  }

  giveBack(settled?: Promise<void>): void {
    if (this.#isLent) this.#pool.takeBack(this.connection, this.#tenantId, settled)
    this.#isLent = false
  }

  stopQuick(): void {
    this.#pool.stopQuick()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.giveBack()
  }
}
