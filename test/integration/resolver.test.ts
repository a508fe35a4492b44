/** How names are resolved on Linux, asked of a name server, in a network and with system files of the test's own. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'

interface Report {
  readonly answers: Readonly<Record<string, unknown>>
  readonly late: { readonly value: unknown; readonly ms: number }
  readonly writeMs: number
}

const probe = [process.execPath, resolve(import.meta.dir, '../support/resolver-probe.ts')]
const enter =
  'ip link set lo up && mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'

const alone = (hosts: string, servers: string): readonly string[] => [
  ...['unshare', '--map-root-user', '--net', '--mount', 'sh', '-c', enter, 'alone'],
  ...[hosts, servers],
]

function canBeAlone(): boolean {
  if (process.platform !== 'linux' || Bun.which('unshare') === null || Bun.which('ip') === null) return false
  return Bun.spawnSync([...alone('/etc/hosts', '/etc/resolv.conf'), 'true']).exitCode === 0
}

test.skipIf(!canBeAlone())(
  'names are found as the system says, and those that nobody answers hold up nothing',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'resolver-'))
    try {
      const [hosts, servers] = [join(folder, 'hosts'), join(folder, 'resolv.conf')]
      writeFileSync(hosts, '127.0.0.1 localhost\n::1 localhost\n192.0.2.77 listed\n192.0.2.78 listed.local\n')
      writeFileSync(servers, 'nameserver 127.0.0.1\nsearch cluster.test\n')
      const child = Bun.spawn([...alone(hosts, servers), ...probe], { stdio: ['ignore', 'pipe', 'inherit'] })
      const text = await child.stdout.text()
      const saidAt = systemClock.monotonic()
      expect(await child.exited).toBe(0)
      // The probe ends while many names are still being asked for.
      expect(systemClock.monotonic() - saidAt).toBeLessThan(1000)
      // The probe prints one object.
      const { answers, late, writeMs } = JSON.parse(text) as Report
      const sets = Object.entries(answers).map(([host, found]) => [host, Array.isArray(found) ? new Set(found) : found])
      expect(Object.fromEntries(sets)).toEqual({
        'both.test': new Set(['192.0.2.1', '2001:db8::1']),
        'four.test': new Set(['192.0.2.1']),
        'six.test': new Set(['2001:db8::1']),
        'empty.test': expect.stringMatching(/^DNS_/),
        'missing.test': 'DNS_ENOTFOUND',
        service: new Set(['192.0.2.1']),
        localhost: new Set(['127.0.0.1', '::1']),
        listed: new Set(['192.0.2.77']),
        'listed.local': new Set(['192.0.2.78']),
      })
      expect(late.value).toEqual(['192.0.2.1'])
      expect(late.ms).toBeLessThan(4000)
      expect(writeMs).toBeLessThan(1000)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
