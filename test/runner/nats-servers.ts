import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { findNatsServer, type NatsVersion, natsCachePath, natsPins, natsVariables } from '../support/nats-binary.ts'
import { runChild } from './child.ts'
import { debianOfThisMachine, unpackDebianPackage } from './debian-package.ts'

const goLimitMs = 600_000
const cache = resolve(import.meta.dir, '../../.cache')

/** Debian releases to look in, in this order, before the machine's own; their servers run on older releases as well. */
const debianReleases = { newest: ['forky', 'trixie'], old: ['bookworm'] } as const

/** A server to test with: where it lies and which version it is. */
export interface FoundServer {
  readonly path: string
  readonly version: string
}

/**
 * Finds a nats-server on this machine, or fetches one into the checkout's cache: by Go where there is Go, else as a
 * Debian package. Undefined when it cannot be had; every attempt that failed has then been told to `tell`.
 */
export async function provideNats(wanted: NatsVersion, tell: (line: string) => void): Promise<FoundServer | undefined> {
  const present = await describe(findNatsServer(wanted))
  const serves = present !== undefined && (wanted === 'old' || isCurrent(present.version))
  if (serves || process.env[natsVariables[wanted]]) return present
  await mkdir(cache, { recursive: true })
  const byGo = { name: `go install ${natsPins[wanted]}`, into: (folder: string) => goInstall(wanted, folder) }
  const byDebian = await debianWays(wanted)
  for (const way of wanted === 'newest' ? [byGo, ...byDebian] : [...byDebian, byGo]) {
    const folder = await mkdtemp(join(cache, 'fetching-'))
    try {
      const fetched = await describe(await way.into(folder))
      if (fetched === undefined) throw new Error('it does not run here')
      const path = natsCachePath(wanted)
      await mkdir(dirname(path), { recursive: true })
      await rename(fetched.path, path)
      return { ...fetched, path }
    } catch (error) {
      tell(`nats-server by ${way.name}: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return present
}

interface Way {
  readonly name: string
  /** Fetches a server into an empty folder and resolves to its path; rejects when it cannot. */
  into(folder: string): Promise<string>
}

async function goInstall(wanted: NatsVersion, folder: string): Promise<string> {
  const command = ['go', 'install', `github.com/nats-io/nats-server/v2@${natsPins[wanted]}`]
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '' }
  const { code, output } = await runChild(command, { cwd: folder, env, limitMs: goLimitMs, quiet: true })
  if (code !== 0) throw new Error(output.trim().split('\n').slice(-3).join(' | '))
  return join(folder, 'nats-server')
}

async function debianWays(wanted: NatsVersion): Promise<readonly Way[]> {
  const debian = await debianOfThisMachine()
  if (debian === undefined) {
    return [{ name: "Debian's package", into: () => Promise.reject(new Error('this is no Debian with apt sources')) }]
  }
  const own = wanted === 'newest' ? [debian.codename] : []
  const suites = new Set<string>([...debianReleases[wanted], ...own])
  return [...suites].map((suite) => ({
    name: `Debian's package (${suite})`,
    into: async (folder) => {
      const files = await unpackDebianPackage('nats-server', { archive: debian.archive, suite, folder })
      const server = (await readdir(files, { recursive: true })).find((path) => /\/s?bin\/nats-server$/.test(path))
      if (server === undefined) throw new Error('the package holds no server')
      return join(files, server)
    },
  }))
}

async function describe(path: string | undefined): Promise<FoundServer | undefined> {
  if (path === undefined) return undefined
  const { code, output } = await runChild([path, '--version'], { limitMs: 10_000, quiet: true })
  const version = /v(\d+\.\d+\.\d+)/.exec(output)?.[1]
  return code === 0 && version !== undefined ? { path, version } : undefined
}

function isCurrent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 2 || (major === 2 && minor >= 10)
}
