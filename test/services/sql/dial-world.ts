import { createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '../../../src/lib/clock.ts'
import { parseDsn } from '../../../src/lib/postgres-dsn.ts'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { openConnection } from '../../../src/services/sql/dial.ts'
import { ConnectionLost } from '../../../src/services/sql/server-error.ts'
import type { Certified } from '../../nats/certificate.ts'
import { never, type observer } from './databases-world.ts'

interface Dialled {
  readonly addresses?: readonly string[]
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Opens a connection by a DSN as the operator gives it, to 127.0.0.1 unless addresses are given. */
export async function dial(
  dsn: string,
  { addresses = ['127.0.0.1'], timeoutMs = 5000, signal = never }: Dialled = {},
): Promise<Connection> {
  const target = { dsn: parseDsn(dsn, 'named'), addresses: async () => addresses, timeoutMs }
  return openConnection(target, systemClock, signal)
}

/** How dialling ended: `bare` or `secured` connections, or the loss in a word, with the SQLSTATE where there is one. */
export async function endOf(dialling: Promise<Connection>): Promise<string> {
  try {
    await using connection = await dialling
    const text = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
    const { rows } = await connection.statement(text, [], never)
    return rows[0]?.[0] === 't' ? 'secured' : 'bare'
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
    return [error.loss, error.sqlState].filter((part) => part !== undefined).join(' ')
  }
}

type Client = ReturnType<typeof observer>

/** Writes a file into the server's data folder, readable by the server only. */
export async function writeServerFile(client: Client, name: string, text: string): Promise<void> {
  const lines = text.trim().split('\n')
  const values = lines.map((line) => `('${line}')`).join(', ')
  await client.unsafe(`copy (values ${values}) to program 'umask 077; cat > ${name}'`)
}

/** Has the server speak TLS with this certificate; resolves when new connections get it. */
export async function secure(client: Client, { certificate, key }: Certified): Promise<void> {
  await writeServerFile(client, 'server.crt', certificate)
  await writeServerFile(client, 'server.key', key)
  await client.unsafe('alter system set ssl = on')
  await reload(client)
}

/** Has the server read its files again, and waits until it has. */
export async function reload(client: Client): Promise<void> {
  const [before] = await client`select pg_conf_load_time()::text as at`
  await client`select pg_reload_conf()`
  for (;;) {
    const [now] = await client`select pg_conf_load_time()::text as at`
    if (now?.['at'] !== before?.['at']) return
  }
}

/** A listener on 127.0.0.1 that does what it likes with who connects; disposing ends it. */
export async function hostileServer(
  meet: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number; met: number }> {
  const sockets = new Set<Socket>()
  const hostile = {
    port: 0,
    met: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server: Server = createServer((socket) => {
    hostile.met++
    sockets.add(socket)
    socket.on('error', () => undefined)
    meet(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  hostile.port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return hostile
}
