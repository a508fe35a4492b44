import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stateFindings } from '../../src/cli/state-findings.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Inspection } from '../../src/nats/inspection.ts'
import type { StateBucket } from '../../src/nats/state-look.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'

// Not the temporary folder, which may be in memory.
const cache = resolve(import.meta.dir, '../../.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, 'state-findings-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Looked = Pick<Inspection, 'stored' | 'state'>

async function say(env: Readonly<Record<string, string>>, looked: Looked = {}, emptied: readonly string[] = []) {
  const config = loadConfig({ STATE_PATH: join(folder, 'state.sqlite'), ...env })
  const findings = await stateFindings(config, looked, emptied)
  return findings.map(({ status, name, explanation }) => `${status} ${name}: ${explanation}`).join('\n')
}

test('nothing is said while it is not known which store it will be', async () => {
  expect(await say({})).toBe('')
  expect(await say({ STATE_STORE: 'nats' })).toBe('')
  expect(await say({}, { stored: { kind: 'unknown', reason: 'silence' } })).toBe('')
})

test('the file is said to be for one worker alone, and is not made', async () => {
  for (const env of [{ STATE_STORE: 'sqlite' }, { JETSTREAM: 'off' }]) {
    expect(await say(env)).toBe(
      `ok state: approvals are kept in ${join(folder, 'state.sqlite')}, for this worker alone`,
    )
  }
  expect(await say({}, { stored: { kind: 'none' } })).toStartWith('ok state: ')
  expect(readdirSync(folder)).toEqual([])
})

test('a file that is there and ours is well; what is not ours, or does not last, is told', async () => {
  const path = join(folder, 'ours.sqlite')
  await using _store = await openSqliteStateStore(path, systemClock)
  writeFileSync(join(folder, 'garbage'), 'no database '.repeat(100))
  const at = (STATE_PATH: string, emptied?: readonly string[]) =>
    say({ STATE_STORE: 'sqlite', STATE_PATH }, {}, emptied)
  expect(await at(path)).toStartWith('ok state: ')
  expect(await at(path, [folder])).toMatch(/^warn state: .*temporary folder.*set STATE_PATH/)
  expect(await at(join(folder, 'garbage'))).toMatch(/^fail state: .*no SQLite file; set STATE_PATH/)
  expect(await at('/dev/null/state.sqlite')).toMatch(/^fail state: /)
})

test.each<[StateBucket, RegExp]>([
  [{ kind: 'there', fault: undefined }, /^ok state: .*BEAMLINE_STATE$/],
  [{ kind: 'there', fault: 'it forgets' }, /^warn state: .*it forgets/],
  [{ kind: 'missing' }, /^ok state: .*made at start$/],
  [{ kind: 'no-jetstream' }, /^fail state: .*STATE_STORE/],
  [{ kind: 'unknown', reason: 'silence' }, /^fail state: .*silence/],
])('the bucket: %j', async (state, expected) => {
  expect(await say({}, { state })).toMatch(expected)
})
