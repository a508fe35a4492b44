import { expect, test } from 'bun:test'
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { linesBackwards, linesForwards } from '../../src/dlq/lines.ts'
import { rejection } from '../contract/bus-world.ts'

const { signal } = new AbortController()

async function fileOf(content: string | Buffer): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-lines-'))
  const path = join(folder, 'file')
  await writeFile(path, content)
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function read(content: string): Promise<readonly [forwards: string[], backwards: string[], places: boolean]> {
  await using made = await fileOf(content)
  await using file = await open(made.path)
  const bytes = Buffer.from(content)
  const forwards = await Array.fromAsync(linesForwards(file, 0, signal))
  const backwards = await Array.fromAsync(linesBackwards(file, bytes.length, signal))
  const isInPlace = [...forwards, ...backwards].every((line) =>
    bytes.subarray(line.at, line.at + line.bytes.length).equals(line.bytes),
  )
  return [forwards.map((line) => line.bytes.toString()), backwards.map((line) => line.bytes.toString()), isInPlace]
}

test('both ways give the whole lines, in their places, and leave out a torn one', async () => {
  // Lengths around the size of a piece, so that newlines fall on its edges.
  const length = fc.oneof(fc.nat(5), fc.constantFrom(1_048_574, 1_048_575, 1_048_576, 1_048_577, 2_200_000))
  const texts = fc.array(
    length.map((n) => 'é'.repeat(n % 2) + 'x'.repeat(n)),
    { maxLength: 5 },
  )
  await fc.assert(
    fc.asyncProperty(texts, fc.constantFrom('', 'torn', 'y'.repeat(1_048_580)), async (lines, torn) => {
      const content = lines.map((line) => `${line}\n`).join('') + torn
      const [forwards, backwards, isInPlace] = await read(content)
      expect(forwards.length).toBe(lines.length)
      expect(forwards.every((line, n) => line === lines[n])).toBe(true)
      expect(backwards.toReversed().every((line, n) => line === lines[n])).toBe(true)
      expect([backwards.length, isInPlace]).toEqual([lines.length, true])
    }),
    { numRuns: 40 },
  )
})

test('a file that becomes shorter while it is read ends early', async () => {
  await using made = await fileOf('a\n'.repeat(2_000_000))
  await using file = await open(made.path)
  const lines = linesBackwards(file, 4_000_000, signal)
  await lines.next()
  await truncate(made.path, 1000)
  let left = 0
  for await (const _ of lines) left += 1
  expect(left).toBeLessThan(600_000)
})

test('reading ends with the signal', async () => {
  await using made = await fileOf('a\n')
  await using file = await open(made.path)
  const aborted = AbortSignal.abort(new Error('enough'))
  expect(await rejection(linesForwards(file, 0, aborted).next())).toEqual(new Error('enough'))
  expect(await rejection(linesBackwards(file, 2, aborted).next())).toEqual(new Error('enough'))
})
