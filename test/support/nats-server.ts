import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onFreePort } from './free-port.ts'
import { findNatsServer, type NatsVersion, natsVariables } from './nats-binary.ts'
import { opened } from './open-resources.ts'
import { endServer, type ServerProcess, startServer } from './server-process.ts'

interface NatsOptions {
  /** With JetStream, unless false. */
  readonly jetstream?: boolean
  readonly version?: NatsVersion
  /** A free one, unless given. */
  readonly port?: number
  /** Where streams are kept; in a folder that goes with the server, unless given. */
  readonly storeDir?: string
  /** More text for the server's configuration file: accounts, permissions, TLS, limits. */
  readonly config?: string
}

/** A real nats-server on 127.0.0.1. Disposing of it ends it and removes what it wrote. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly storeDir: string
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>
  /** Starts it again on the same port and store, stopping it first where it runs. */
  restart(): Promise<void>
}

/** Starts a nats-server and resolves when it takes connections; rejects with the end of its log when it does not. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const binary = binaryFor(options.version ?? 'newest')
  const folder = await mkdtemp(join(tmpdir(), 'beamline-nats-'))
  const storeDir = options.storeDir ?? join(folder, 'store')
  const configPath = join(folder, 'nats.conf')
  const start = async (port: number): Promise<ServerProcess> => {
    await writeFile(configPath, configText({ ...options, port, storeDir }))
    return startServer([binary, '-c', configPath], { ready: 'Server is ready' })
  }
  const begun = await begin(start, options.port).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  const { port } = begun
  let server = begun.started
  const closed = opened(`nats-server on port ${port}`, () => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    kill: () => endServer(server, 'SIGKILL'),
    stop: () => endServer(server, 'SIGTERM'),
    restart: async () => {
      await endServer(server, 'SIGTERM')
      server = await start(port)
    },
    [Symbol.asyncDispose]: async () => {
      await endServer(server, 'SIGKILL')
      closed()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** False when there is no server of that version here: tests that need it are then skipped, and counted as such. */
export function hasNats(version: NatsVersion): boolean {
  return findNatsServer(version) !== undefined
}

function binaryFor(version: NatsVersion): string {
  const binary = findNatsServer(version)
  if (binary !== undefined) return binary
  throw new Error(`No nats-server (${version}) found: "bun run test" fetches one, or set ${natsVariables[version]}`)
}

async function begin(
  start: (port: number) => Promise<ServerProcess>,
  port: number | undefined,
): Promise<{ port: number; started: ServerProcess }> {
  return port === undefined ? onFreePort(start) : { port, started: await start(port) }
}

function configText(options: NatsOptions & { readonly port: number; readonly storeDir: string }): string {
  const jetstream = options.jetstream === false ? '' : `jetstream { store_dir: ${JSON.stringify(options.storeDir)} }\n`
  return `listen: "127.0.0.1:${options.port}"\n${jetstream}${options.config ?? ''}\n`
}
