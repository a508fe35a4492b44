/**
 * Where a PostgreSQL is and how to sign in there, read from a URI as libpq has it, and strictly: what two readers could
 * read in two ways, what leads to a file or a socket, and every parameter that is not known here is refused.
 */
import { canonicalHost } from './host-pattern.ts'

const tlsModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
const channelBindings = ['disable', 'prefer', 'require'] as const

/** How the connection is secured; the words and their meaning are those of libpq's `sslmode`. */
type TlsMode = (typeof tlsModes)[number]

/** A database, a user, and how to get there. */
export interface Dsn {
  /** A canonical name or address (no brackets), or the folder of a Unix socket, which begins with `/`. */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Empty when there is none. */
  readonly password: string
  readonly database: string
  readonly tls: TlsMode
  /** The path of the certificates that the server's must be signed by; undefined: those of the system. */
  readonly rootCertificate: string | undefined
  readonly channelBinding: (typeof channelBindings)[number]
  readonly applicationName: string
  /** Settings of the session as the server's command line takes them; empty when there are none. */
  readonly options: string
  readonly connectTimeoutMs: number | undefined
}

/** Whose word it is: a named DSN is the operator's, an inline one came in a job and may lead over TCP only. */
export type DsnOrigin = 'named' | 'inline'

const sentences = {
  scheme: 'must begin with postgres:// or postgresql://',
  length: 'must have at most 4096 characters',
  characters: 'must hold no spaces and no control characters; write them as %XX',
  encoding: 'must hold % only as part of %XX, the whole as UTF-8 and without %00',
  fragment: 'must hold no #; write it as %23',
  userinfo: 'must hold one @ at most before the host; write others as %40',
  user: 'must name the user',
  host: 'must name one host, as a name or an address',
  hosts: 'must name one host only',
  socket: 'must lead to a host, not to a socket',
  port: 'must have a port from 1 to 65535, or none',
  database: 'must hold one / at most after the host; write others as %2F',
  parameter: 'holds a parameter that is not taken here, or one twice',
  value: 'holds a parameter with a wrong value',
} as const

/** What is wrong with a DSN, in one word. */
export type DsnRule = keyof typeof sentences

/** A DSN that is not taken. The message begins with a verb; neither it nor the fields hold anything of the text. */
export class DsnError extends Error {
  override readonly name = 'DsnError'
  readonly rule: DsnRule
  /** Which parameter, when it is one of those that libpq knows. */
  readonly parameter: string | undefined

  constructor(rule: DsnRule, parameter?: string) {
    super(parameter === undefined ? sentences[rule] : `${sentences[rule]}: ${parameter}`)
    this.rule = rule
    this.parameter = parameter
  }
}

const longest = 4096
const longestName = 63
const defaultPort = 5432
const scheme = /^postgres(?:ql)?:\/\//i

/** What libpq and its drivers know, so that a refusal can name it; no other text is ever repeated. */
const known: ReadonlySet<string> = new Set(
  [
    'host hostaddr port user password passfile dbname service servicefile path socket client_encoding',
    'fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout',
    'replication gssencmode gsslib gssdelegation krbsrvname ssl sslcompression sslcert sslkey sslkeylogfile sslpassword',
    'sslcertmode sslrootcert sslcrl sslcrldir sslsni sslnegotiation requirepeer require_auth ssl_min_protocol_version',
    'ssl_max_protocol_version min_protocol_version max_protocol_version load_balance_hosts target_session_attrs',
    'sslmode application_name connect_timeout options channel_binding pgbouncer schema search_path prepare tls unix',
  ].flatMap((line) => line.split(' ')),
)

type Parameters = ReadonlyMap<string, string>

/** Reads a DSN; reaches nothing. Throws a DsnError. */
export function parseDsn(text: string, origin: DsnOrigin): Dsn {
  if (text.length > longest) throw new DsnError('length')
  const start = scheme.exec(text)?.[0]
  if (start === undefined) throw new DsnError('scheme')
  if (/[\s\p{Cc}\p{Cf}\\]/u.test(text)) throw new DsnError('characters')
  if (text.includes('#')) throw new DsnError('fragment')
  const [, authority = '', path = '', query] = /^([^/?]*)(\/[^?]*)?(?:\?(.*))?$/.exec(text.slice(start.length)) ?? []
  const parameters = readParameters(query, origin)
  const parts = authority.split('@')
  if (parts.length > 2) throw new DsnError('userinfo')
  const [userinfo, server] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', authority]
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/.exec(userinfo) ?? []
  if (user === '') throw new DsnError('user')
  if (path.indexOf('/', 1) !== -1) throw new DsnError('database')
  const socket = parameters.get('host')
  return {
    ...(socket === undefined ? readServer(server) : readSocket(socket, server)),
    user: decoded(user),
    password: decoded(password),
    database: decoded(path.slice(1)) || decoded(user),
    ...readOptions(parameters),
  }
}

function readServer(text: string): Pick<Dsn, 'host' | 'port'> {
  if (/%2f/i.test(text)) throw new DsnError('socket')
  if (text.includes(',')) throw new DsnError('hosts')
  const [, name = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text) ?? []
  const host = canonicalHost(name)
  if (host === undefined) throw new DsnError('host')
  return { host, port: readPort(port) }
}

/** A folder with PostgreSQL's socket in it; the port is part of the socket's name. */
function readSocket(folder: string, server: string): Pick<Dsn, 'host' | 'port'> {
  const port = /^:(.*)$/.exec(server)?.[1]
  if (server !== '' && port === undefined) throw new DsnError('hosts')
  if (!/^\/[^,]*$/.test(folder)) throw new DsnError('value', 'host')
  return { host: folder, port: readPort(port) }
}

function readPort(text: string | undefined): number {
  if (text === undefined) return defaultPort
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw new DsnError('port')
  return port
}

const harmless = ['sslmode', 'application_name', 'connect_timeout', 'channel_binding', 'target_session_attrs']
const accepted: Readonly<Record<DsnOrigin, readonly string[]>> = {
  inline: harmless,
  named: [...harmless, 'sslrootcert', 'options', 'host'],
}

function readParameters(query: string | undefined, origin: DsnOrigin): Parameters {
  const parameters = new Map<string, string>()
  for (const pair of query === undefined || query === '' ? [] : query.split('&')) {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/.exec(pair) ?? []
    if (!accepted[origin].includes(key) || parameters.has(key)) {
      const lower = key.toLowerCase()
      throw new DsnError('parameter', known.has(lower) ? lower : undefined)
    }
    if (value === undefined || value === '') throw new DsnError('value', key)
    parameters.set(key, decoded(value))
  }
  return parameters
}

type Options = Pick<
  Dsn,
  'tls' | 'rootCertificate' | 'channelBinding' | 'applicationName' | 'options' | 'connectTimeoutMs'
>

function readOptions(parameters: Parameters): Options {
  const word = <T extends string>(key: string, words: readonly T[], unset: T): T => {
    const value = parameters.get(key)
    const found = value === undefined ? unset : words.find((each) => each === value)
    if (found === undefined) throw new DsnError('value', key)
    return found
  }
  word('target_session_attrs', ['any'], 'any')
  const certificate = parameters.get('sslrootcert')
  const isSystems = certificate === 'system'
  const asked = word('sslmode', isSystems ? ['verify-full'] : tlsModes, isSystems ? 'verify-full' : 'prefer')
  const applicationName = parameters.get('application_name') ?? 'beamline'
  if (applicationName.length > longestName || /\p{Cc}/u.test(applicationName)) {
    throw new DsnError('value', 'application_name')
  }
  const seconds = parameters.get('connect_timeout') ?? '0'
  if (!/^\d{1,6}$/.test(seconds)) throw new DsnError('value', 'connect_timeout')
  return {
    tls: asked === 'require' && certificate !== undefined ? 'verify-ca' : asked,
    rootCertificate: isSystems ? undefined : certificate,
    channelBinding: word('channel_binding', channelBindings, 'prefer'),
    applicationName,
    options: parameters.get('options') ?? '',
    connectTimeoutMs: Number(seconds) === 0 ? undefined : Number(seconds) * 1000,
  }
}

function decoded(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw new DsnError('encoding')
  try {
    const plain = decodeURIComponent(text)
    if (!plain.includes('\0')) return plain
  } catch {
    // Not UTF-8.
  }
  throw new DsnError('encoding')
}
