import { expect, test } from 'bun:test'
import { purgeDeadLetters } from '../../src/cli/dlq-purge.ts'
import { letter } from '../support/letters.ts'
import { MemoryDeadLetters } from '../support/memory-dead-letters.ts'
import { said } from '../support/said.ts'

const { signal } = new AbortController()

async function rig() {
  const store = new MemoryDeadLetters()
  const records = Array.from({ length: 4 }, (_, at) => letter({ tenantId: `t${at % 2}` }))
  for (const record of records) await store.write(record)
  const output = said()
  const purge = (more: Partial<Parameters<typeof purgeDeadLetters>[0]>) =>
    purgeDeadLetters({ store, filter: {}, ids: undefined, limit: undefined, kind: 'remove', output, signal, ...more })
  const left = async () => (await Array.fromAsync(store.entries(signal))).map(({ record }) => record.id)
  return { records: records.map(({ id }) => id), output, purge, left }
}

test('without --yes it removes nothing, says how many it would, and ends with 2', async () => {
  const { output, purge, left } = await rig()
  expect(await purge({ kind: 'ask', filter: { tenant: 't1' } })).toBe(2)
  expect(output.stderr).toEqual(['beamline: 2 dead letters would be removed from memory; --yes removes them for good'])
  expect((await left()).length).toBe(4)
})

test('--dry-run says the same and ends with 0', async () => {
  const { output, purge, left } = await rig()
  expect(await purge({ kind: 'count', limit: 1 })).toBe(0)
  expect(output.stdout).toEqual(['1 dead letter would be removed'])
  expect((await left()).length).toBe(4)
})

test('removes what is asked for, of that the newest', async () => {
  const { records, output, purge, left } = await rig()
  const [first, second, third, fourth] = records
  expect(await purge({ filter: { tenant: 't0' }, limit: 1 })).toBe(0)
  expect(await left()).toEqual([fourth, second, first].map(String))
  expect(await purge({ ids: new Set([String(second), String(third)]) })).toBe(0)
  expect(await left()).toEqual([fourth, first].map(String))
  expect(await purge({})).toBe(0)
  expect(await left()).toEqual([])
  expect(output.stdout).toEqual(['1 dead letter removed', '1 dead letter removed', '2 dead letters removed'])
})

test('what was named and is not there is told', async () => {
  const { records, output, purge } = await rig()
  const [first] = records
  expect(await purge({ ids: new Set([String(first), letter().id]) })).toBe(0)
  expect(output.stdout).toEqual(['1 dead letter removed'])
  expect(output.stderr).toEqual(['beamline: 1 of those named are not there, or not let through'])
})
