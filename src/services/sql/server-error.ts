/** How a database says no: by an error of the server, or by not being there. */

/** What a server said beside its message; any of it may hold values of rows, so none of it is for logs. */
export interface ServerErrorFields {
  readonly constraint?: string | undefined
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly schema?: string | undefined
  readonly dataType?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly position?: number | undefined
}

/** An error that the server answered with: the connection stands, the transaction does not. The message is the server's. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  /** Five characters, such as `23505`. */
  readonly sqlState: string
  readonly constraint: string | undefined
  readonly table: string | undefined
  readonly column: string | undefined
  readonly schema: string | undefined
  readonly dataType: string | undefined
  readonly detail: string | undefined
  readonly hint: string | undefined
  /** Where in the statement's text, in characters from 1. */
  readonly position: number | undefined

  constructor(sqlState: string, message: string, said: ServerErrorFields = {}) {
    super(message)
    this.sqlState = sqlState
    this.constraint = said.constraint
    this.table = said.table
    this.column = said.column
    this.schema = said.schema
    this.dataType = said.dataType
    this.detail = said.detail
    this.hint = said.hint
    this.position = said.position
  }
}

/** What the server says of a text that begins with words of ours, with the position counted in what follows these. */
export function inOwnText(thrown: unknown, before: string): unknown {
  if (!(thrown instanceof ServerError) || thrown.position === undefined) return thrown
  const { sqlState, message, position, ...said } = thrown
  return new ServerError(sqlState, message, { ...said, position: Math.max(1, position - before.length) })
}

/** The same of a text that ends with words of ours: what is said of these says nothing to whoever wrote the rest. */
export function beforeOurs(thrown: unknown, own: string): unknown {
  if (!(thrown instanceof ServerError) || (thrown.position ?? 0) <= Array.from(own).length + 1) return thrown
  const { sqlState, constraint, table, column, schema, dataType } = thrown
  const said = { constraint, table, column, schema, dataType }
  return new ServerError(sqlState, 'The statement is not complete', said)
}

const losses = {
  refused: ['refused', 'The database refused the connection'],
  timeout: ['timeout', 'The database did not answer in time'],
  tls: ['tls', 'No secure connection to the database could be made'],
  authentication: ['authentication', 'The database did not accept the user'],
  noDatabase: ['no_database', 'The server has no such database'],
  tooMany: ['too_many', 'The database has too many connections'],
  starting: ['starting', 'The database is starting or stopping'],
  host: ['host', 'The host of the database has no address'],
  rejected: ['rejected', 'The database did not accept the connection'],
  protocol: ['protocol', 'The database did not speak its protocol'],
  lost: ['lost', 'The connection to the database was lost'],
} as const

/** Why there is no connection, or none any more. */
export type Loss = keyof typeof losses

/** The connection could not be opened, or it ended. The message is a fixed text and holds nothing of the DSN. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
  readonly loss: Loss
  /** The loss in a word, for error details. */
  readonly reason: string
  /** What the server said before it hung up, when it said something. */
  readonly sqlState: string | undefined

  constructor(loss: Loss, sqlState?: string) {
    const [reason, message] = losses[loss]
    super(message)
    this.loss = loss
    this.reason = reason
    this.sqlState = sqlState
  }
}
