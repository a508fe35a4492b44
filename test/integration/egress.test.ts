import { expect, test } from 'bun:test'
import { resolve } from 'node:path'

interface Report {
  readonly code: number
  readonly asked: number
  readonly unlistedHits: number
  readonly interfaces: readonly string[]
  readonly outcomes: readonly { readonly status: string; readonly why?: string; readonly details?: unknown }[]
}

const probe = [process.execPath, resolve(import.meta.dir, '../support/egress-probe.ts')]
/** A network that has loopback and nothing else: whatever the policy let through could not get far. */
const alone = ['unshare', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'alone']

async function canBeAlone(): Promise<boolean> {
  if (process.platform !== 'linux' || Bun.which('unshare') === null || Bun.which('ip') === null) return false
  return (await Bun.spawn([...alone, 'true'], { stdio: ['ignore', 'ignore', 'ignore'] }).exited) === 0
}

test('no way of writing an address, and no redirect, leads a job to where the policy forbids', async () => {
  const isAlone = await canBeAlone()
  const child = Bun.spawn(isAlone ? [...alone, ...probe] : probe, { stdio: ['ignore', 'pipe', 'inherit'] })
  // The probe prints one object.
  const report = JSON.parse(await new Response(child.stdout).text()) as Report
  expect(await child.exited).toBe(0)
  if (isAlone) expect(report.interfaces).toEqual(['lo'])
  expect(report.unlistedHits).toBe(0)
  expect(report.asked).toBe(36)
  expect(report.outcomes.filter(({ status }) => status === 'success').length).toBe(1)
  const refused = report.outcomes.filter(({ status }) => status !== 'success')
  expect(refused.length).toBe(report.asked)
  expect([...new Set(refused.map(({ why }) => why))]).toEqual(['PERMISSION_DENIED'])
  expect(report.code).toBe(1)
}, 60_000)
