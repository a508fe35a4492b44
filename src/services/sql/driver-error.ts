/** What the runtime's driver throws, in our own words. */
import { SQL } from 'bun'
import { ConnectionLost, type Loss, ServerError } from './server-error.ts'

/** What the server answers to whom it does not let in, by the beginning of the SQLSTATE. */
const refusals: readonly (readonly [start: string, reason: Loss])[] = [
  ['28', 'authentication'],
  ['42501', 'authentication'],
  ['3D000', 'noDatabase'],
  ['53300', 'tooMany'],
  ['57P', 'starting'],
]

/** What the driver or TLS says of a connection that did not come about. */
const codes: readonly (readonly [pattern: RegExp, reason: Loss])[] = [
  [/^ERR_POSTGRES_CONNECTION_REFUSED$/, 'refused'],
  [/^ERR_POSTGRES_CONNECTION_TIMEOUT$/, 'timeout'],
  [/^ERR_POSTGRES_CONNECTION_/, 'lost'],
  [/^ERR_POSTGRES_TLS_/, 'tls'],
  [/^ERR_POSTGRES_.*(AUTHENTICATION|SASL|PASSWORD|SIGNATURE|PBK|CHANNEL)/, 'authentication'],
  [/^(ERR_TLS_|ERR_BORINGSSL|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_|HOSTNAME_)/, 'tls'],
  [/^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|EPROTO)$/, 'tls'],
]

/** What ends the session, in whatever language the server says so: it is stopped, or a time-out is over. */
const isEnding = /^(57P|25P0[34]$)/

/** The driver refuses to send these, as a server would that cannot do it; the connection stands. */
const unsupported: ReadonlyMap<string, readonly [sqlState: string, message: string]> = new Map([
  ['ERR_POSTGRES_COPY_NOT_SUPPORTED', ['0A000', 'COPY from and to the client is not supported']],
  ['ERR_POSTGRES_TOO_MANY_PARAMETERS', ['54023', 'a statement can have at most 65535 parameters']],
])

/** Why a connection did not come about. */
export function openFailure(thrown: unknown): ConnectionLost {
  const state = stateOf(thrown)
  if (state !== undefined) {
    const reason = refusals.find(([start]) => state.startsWith(start))?.[1]
    return new ConnectionLost(reason ?? 'rejected', state)
  }
  const code = codeOf(thrown)
  return new ConnectionLost(codes.find(([pattern]) => pattern.test(code))?.[1] ?? 'protocol')
}

/** What became of a statement. What no database can cause is returned as it is. */
export function statementFailure(thrown: unknown): unknown {
  if (!(thrown instanceof SQL.PostgresError)) return thrown
  const state = stateOf(thrown)
  if (state === undefined) {
    const refusal = unsupported.get(thrown.code)
    if (refusal !== undefined) return new ServerError(...refusal)
    return new ConnectionLost(/^ERR_POSTGRES_CONNECTION_/.test(thrown.code) ? 'lost' : 'protocol')
  }
  if (isEnding.test(state) || thrown.severity === 'FATAL' || thrown.severity === 'PANIC') {
    return new ConnectionLost('lost', state)
  }
  return new ServerError(state, thrown.message, { ...saidBy(thrown), position: positionOf(thrown.position) })
}

type Said = Record<'constraint' | 'table' | 'column' | 'schema' | 'dataType' | 'detail' | 'hint', string | undefined>

function saidBy({ constraint, table, column, schema, dataType, detail, hint }: SQL.PostgresError): Said {
  return { constraint, table, column, schema, dataType, detail, hint }
}

/** The SQLSTATE, when it is the server that spoke. */
function stateOf(thrown: unknown): string | undefined {
  const state = thrown instanceof SQL.PostgresError ? thrown.errno : undefined
  return state !== undefined && /^[0-9A-Z]{5}$/.test(state) ? state : undefined
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
}

function positionOf(text: string | undefined): number | undefined {
  const position = Number(text)
  return Number.isSafeInteger(position) && position > 0 ? position : undefined
}
