/**
 * Resolves names with a name server of its own on loopback, and prints what became of them as JSON: started by
 * test/integration/resolver.test.ts in a network of its own, with a hosts file and a resolv.conf of its own.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { rememberingResolve } from '../../src/services/fetch/resolver.ts'
import { startNameServer } from './name-server.ts'

const silent = 50
const v4 = Uint8Array.of(192, 0, 2, 1)
const v6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
const zone = new Map([
  ['both.test', [v4, v6]],
  ['four.test', [v4]],
  ['six.test', [v6]],
  ['empty.test', []],
  ['service.cluster.test', [v4]],
])

/** What the work gives, and how long it takes, in milliseconds. */
async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = systemClock.monotonic()
  const value = await work
  return { value, ms: systemClock.monotonic() - startedAt }
}

await using _server = await startNameServer((name) => (name.startsWith('silent') ? 'never' : zone.get(name)))
const resolve = rememberingResolve(systemClock)
const { signal } = new AbortController()
const ask = (host: string): Promise<unknown> =>
  resolve(host, signal).catch((error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'none'))

const hosts = [
  'both.test',
  'four.test',
  'six.test',
  'empty.test',
  'missing.test',
  'service',
  'localhost',
  'listed',
  'listed.local',
]
const answers = Object.fromEntries(await Promise.all(hosts.map(async (host) => [host, await ask(host)])))
for (let count = 0; count < silent; count++) void ask(`silent${count}.${count % 2 === 0 ? 'test' : 'local'}`)
zone.set('late.test', [v4])
const late = await timed(ask('late.test'))
const folder = await mkdtemp(join(tmpdir(), 'resolver-'))
const write = await timed(writeFile(join(folder, 'file'), 'text'))
await rm(folder, { recursive: true })
process.stdout.write(JSON.stringify({ answers, late, writeMs: write.ms }))
process.exit(0)
