/** Opens connections: to each address of the host in turn, secured as libpq would. */
import { readFile } from 'node:fs/promises'
import { SQL } from 'bun'
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Dsn } from '../../lib/postgres-dsn.ts'
import { DriverConnection } from './connection.ts'
import { openFailure } from './driver-error.ts'
import { limited } from './limited.ts'
import { ConnectionLost } from './server-error.ts'

/** Where to connect, and how. */
export interface Target {
  readonly dsn: Dsn
  /** The addresses to try, in this order; not asked for a socket. What it rejects with that is no JobError means that there are none. */
  addresses(signal: AbortSignal): Promise<readonly string[]>
  /** For all of it, in milliseconds. */
  readonly timeoutMs: number
}

/** A server that can (since 14) looks by itself whether the client of a running statement is still there. */
const lookAround = ' -c client_connection_check_interval=5s'

/** What servers say that do not know this setting, or cannot do it on their system. */
const isNotKnown: ReadonlySet<string | undefined> = new Set(['42704', '22023'])

/** Where that was said. */
const blind = new WeakSet<Target>()

/**
 * Connects and signs in; With a `mark`, a word, the connection is one for quick exchanges, and
 * its session has that as its setting `beamline.session`, unless somebody between us and the server shares sessions. Rejects with ConnectionLost, with the signal's reason when it aborts, and with what asking for
 * the addresses rejects with.
 */
export async function openConnection(
  target: Target,
  clock: Clock,
  signal: AbortSignal,
  mark?: string,
): Promise<DriverConnection> {
  const { dsn } = target
  const dial = { dsn: mark === undefined ? dsn : marked(dsn, mark), clock, mark }
  if (blind.has(target)) return openWith(dial, target, signal)
  const options = dial.dsn.options + lookAround
  try {
    return await openWith({ ...dial, dsn: { ...dial.dsn, options } }, target, signal)
  } catch (thrown) {
    if (!(thrown instanceof ConnectionLost && isNotKnown.has(thrown.sqlState))) throw thrown
    const connection = await openWith(dial, target, signal)
    blind.add(target)
    return connection
  }
}

/** What is the same for every address. */
interface Dial {
  readonly dsn: Dsn
  readonly clock: Clock
  /** Of a connection for quick exchanges. */
  readonly mark: string | undefined
}

function marked(dsn: Dsn, mark: string): Dsn {
  return { ...dsn, options: `${dsn.options} -c beamline.session=${mark}` }
}

async function openWith(dial: Dial, target: Target, signal: AbortSignal): Promise<DriverConnection> {
  const { dsn, clock } = dial
  const { timeoutMs } = target
  const late = (): ConnectionLost => new ConnectionLost('timeout')
  const until = clock.monotonic() + timeoutMs
  const places = isSocket(dsn)
    ? [{ path: `${dsn.host}/.s.PGSQL.${dsn.port}` }]
    : await limited((limit) => addresses(target, limit), { clock, ms: timeoutMs, signal, late })
  let failure = new ConnectionLost('host')
  for (const [index, place] of places.entries()) {
    const ms = (until - clock.monotonic()) / (places.length - index)
    if (ms <= 0) break
    try {
      return await limited((limit) => signIn(dial, place, limit), { clock, ms, signal, late })
    } catch (thrown) {
      if (!(thrown instanceof ConnectionLost) || signal.aborted) throw thrown
      failure = thrown
      // Somebody was there and has answered.
      if (thrown.sqlState !== undefined || thrown.loss === 'authentication' || thrown.loss === 'tls') break
    }
  }
  throw failure
}

/** Where a connection goes: an address, or the file of a socket. */
type Place = { readonly hostname: string } | { readonly path: string }

async function addresses(target: Target, signal: AbortSignal): Promise<readonly Place[]> {
  try {
    const found = await target.addresses(signal)
    return found.map((hostname) => ({ hostname }))
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    throw thrown instanceof JobError ? thrown : new ConnectionLost('host')
  }
}

function isSocket({ host }: Dsn): boolean {
  return host.startsWith('/')
}

/** How the driver is to secure it; `bare` and `any` check nothing. */
type Security = 'bare' | 'opportune' | 'any' | 'chain' | 'name'

const securities: Readonly<Record<Dsn['tls'], Security>> = {
  disable: 'bare',
  allow: 'bare',
  prefer: 'opportune',
  require: 'any',
  'verify-ca': 'chain',
  'verify-full': 'name',
}

/** How it is tried once more, where the server has not let the user in at all or could not speak TLS. */
const secondTries: Readonly<Partial<Record<Dsn['tls'], Security>>> = { allow: 'any', prefer: 'bare' }

async function signIn(dial: Dial, place: Place, signal: AbortSignal): Promise<DriverConnection> {
  const { dsn } = dial
  if ('path' in place) return connect(dial, place, 'bare', signal)
  try {
    return await connect(dial, place, securities[dsn.tls], signal)
  } catch (thrown) {
    const second = secondTries[dsn.tls]
    const isWorthIt = thrown instanceof ConnectionLost && (thrown.sqlState === '28000' || thrown.loss === 'tls')
    if (second === undefined || !isWorthIt) throw thrown
    return connect(dial, place, second, signal)
  }
}

async function connect(dial: Dial, place: Place, security: Security, signal: AbortSignal): Promise<DriverConnection> {
  const { clock, mark } = dial
  let connection: DriverConnection | undefined
  const client = driverClient(dial, place, await tlsOf(dial.dsn, security), () => connection?.discard())
  const abort = (): void => void client.close({ timeout: 0 }).catch(() => undefined)
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    connection = new DriverConnection(client, await client.reserve(), clock, mark)
    signal.throwIfAborted()
    return connection
  } catch (thrown) {
    abort()
    throw signal.aborted ? signal.reason : openFailure(thrown)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

type Tls = { readonly mode: string; readonly tls: Bun.TLSOptions | false | undefined }

async function tlsOf({ host, rootCertificate }: Dsn, security: Security): Promise<Tls> {
  // Whether a certificate is checked is said each time: the environment must have no say.
  if (security === 'bare') return { mode: 'disable', tls: false }
  if (security === 'opportune') return { mode: 'prefer', tls: undefined }
  if (security === 'any') return { mode: 'require', tls: { serverName: host, rejectUnauthorized: false } }
  const ca = rootCertificate === undefined ? undefined : await certificates(rootCertificate)
  const tls = { serverName: host, rejectUnauthorized: true, ...(ca !== undefined && { ca }) }
  return { mode: security === 'chain' ? 'verify-ca' : 'verify-full', tls }
}

async function certificates(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    throw new ConnectionLost('tls')
  }
}

/**
 * The driver asks the environment for whatever is left out or empty (PGPASSWORD, PGSSLMODE, DATABASE_URL and many more):
 * so nothing is left out, the password is a function, and a URL that says nothing but the mode stands first.
 */
function driverClient({ dsn, mark }: Dial, place: Place, { mode, tls }: Tls, ended: () => void): SQL {
  return new SQL(`postgres://localhost/?sslmode=${mode}`, {
    adapter: 'postgres',
    hostname: 'localhost',
    ...place,
    port: dsn.port,
    username: dsn.user,
    password: () => dsn.password,
    database: dsn.database,
    tls,
    channelBinding: dsn.channelBinding,
    connection: sessionSettings(dsn),
    max: 1,
    // Of unnamed statements results are text, always.
    prepare: mark !== undefined,
    // 0 is none: there are limits of our own, and the driver would connect again and again until its own is over.
    connectionTimeout: 0,
    idleTimeout: 0,
    maxLifetime: 0,
    onclose: ended,
  })
}

/** What values look like as text, whatever the server, the database or the user are set to. */
function sessionSettings({ applicationName, options }: Dsn): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ['application_name', applicationName],
    ['client_encoding', 'UTF8'],
    ['DateStyle', 'ISO'],
    ['IntervalStyle', 'iso_8601'],
    ['options', `${options} -c bytea_output=hex -c extra_float_digits=1`.trim()],
  ])
}
