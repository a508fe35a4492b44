import { expect, test } from 'bun:test'
import { LargeGarbage } from '../../src/lib/large-garbage.ts'

test('it is time to collect when two megabytes have come together, whatever small messages do', () => {
  const garbage = new LargeGarbage()
  for (let turn = 0; turn < 1000; turn++) expect(garbage.add(65_535)).toBe(false)
  expect(garbage.add(1_000_000)).toBe(false)
  expect(garbage.add(1_000_000)).toBe(true)
  garbage.collect()
  expect(garbage.add(1_999_999)).toBe(false)
  expect(garbage.add(1_000_000)).toBe(true)
})
