import { expect } from 'bun:test'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { fileWorld } from '../dlq/file-world.ts'
import { startLetterWriter } from './letter-writer.ts'
import { allOf } from './letters.ts'

interface Flood {
  /** Of all entries together. */
  readonly bytes: number
  readonly config: { readonly maxBytes: number; readonly maxRotations: number; readonly totalMaxBytes: number }
}

const entryBytes = 100_000
const tags = ['a', 'b']

/**
 * Two processes write so many bytes of dead letters. Expects that the files never take more than they may, looked at
 * all the time, and that what is left in the end is the newest.
 */
export async function expectCapHeld({ bytes, config }: Flood): Promise<void> {
  await using world = await fileWorld()
  const entries = Math.ceil(bytes / entryBytes / tags.length)
  const order = { do: 'write', path: world.path, config, entries, bytes: entryBytes } as const
  const writers = tags.map((tag) => startLetterWriter({ ...order, tag }))
  const written = Promise.all(writers.map(({ exited }) => exited))
  const samples: number[] = []
  const sampling = new AbortController()
  const sampled = (async () => {
    while (!sampling.signal.aborted) {
      samples.push(await bytesIn(world.folder))
      await systemClock.sleep(5)
    }
  })()
  expect(await written).toEqual([0, 0])
  sampling.abort()
  await sampled
  expect(samples.length).toBeGreaterThan(100)
  expect(Math.max(...samples)).toBeLessThanOrEqual(config.totalMaxBytes)
  const kept = await allOf(await world.open({ config }))
  expect(kept.length * entryBytes).toBeGreaterThan(config.totalMaxBytes / 3)
  for (const tag of tags) {
    for (const rejected of [false, true]) {
      const own = kept.filter((each) => each.rejected === rejected && each.record.assignment_id?.startsWith(tag))
      const numbers = own.map(({ record }) => Number(record.assignment_id?.slice(2))).toSorted((a, b) => a - b)
      const all = Array.from({ length: entries }, (_, n) => n).filter((n) => (n % 5 === 0) === rejected)
      expect(numbers).toEqual(all.slice(all.length - numbers.length))
    }
  }
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
