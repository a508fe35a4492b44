import { describe, expect, test } from 'bun:test'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Stood } from '../../../src/services/blobs/tally.ts'
import { Usage } from '../../../src/services/blobs/usage.ts'
import { never, openBlobRig, refusal } from './blob-rig.ts'

const full = { code: 'QUOTA_EXCEEDED', details: { reason: 'total', limit: 1000 } }
const env = { FS_MAX_TOTAL_BYTES: '1000' }

describe('the most that all blobs may hold', () => {
  test('counts what was there before', async () => {
    await using before = await openBlobRig()
    await before.put('a/b', 'x'.repeat(600))
    await writeFile(join(before.box, 'own'), 'x'.repeat(300))
    await using rig = await openBlobRig({ box: before.box, env })
    expect(await refusal(rig.put('c', 'x'.repeat(101)))).toEqual(full)
    await rig.put('c', 'x'.repeat(100))
    expect(await refusal(rig.put('d', 'x'))).toEqual(full)
    expect((await readdir(rig.box)).filter((name) => name.includes('tmp'))).toEqual([])
  })

  test('gives room back for what is replaced and removed', async () => {
    await using rig = await openBlobRig({ env })
    await rig.put('x', 'x'.repeat(600))
    await rig.put('x', 'x'.repeat(900))
    expect(await refusal(rig.put('y', 'x'.repeat(101)))).toEqual(full)
    await rig.put('x', 'x'.repeat(1000))
    await rig.put('x', 'x'.repeat(10))
    await rig.put('y', 'x'.repeat(990))
    await rig.blobs.remove('t', 'y', { missingOk: false, signal: never })
    await rig.put('z', 'x'.repeat(990))
    expect(await refusal(rig.put('x', 'x'.repeat(11)))).toEqual(full)
  })

  test('holds however many put at once, and puts that fail take no room', async () => {
    await using rig = await openBlobRig({ env })
    for (let round = 0; round < 3; round++) {
      const puts = Array.from({ length: 40 }, (_, n) => rig.put(`${round}-${n}`, 'x'.repeat(90)))
      await Promise.allSettled(puts)
    }
    const { items } = await rig.blobs.list('t', { limit: 100, signal: never })
    expect(items).toHaveLength(11)
  })

  test('an empty blob always fits', async () => {
    await using rig = await openBlobRig({ env })
    await rig.put('x', 'x'.repeat(1000))
    await rig.put('y', '')
    await rig.put('x', 'x'.repeat(999))
  })
})

describe('a count while the box is in use', () => {
  type Box = Map<string, Stood>
  let nowNs = 0n

  interface Step {
    readonly path: string
    readonly size: number | undefined
  }
  const path = fc.constantFrom('a', 'b/a', 'b/c', 'b/d/e', 'c', 'd/a', 'd/b', 'e')
  const step = fc.record({ path, size: fc.option(fc.nat(9), { nil: undefined }) })

  /** Walks as the sweep does, over a box in memory, with a step by others after each thing that it does. */
  function* walk(box: Box, count: ReturnType<Usage['recount']>, folder = ''): Generator<void> {
    const inside = [...box.keys()].filter((key) => key.startsWith(folder)).map((key) => key.slice(folder.length))
    const entries = [...new Set(inside.map((key) => (key.includes('/') ? `${key.split('/')[0]}/` : key)))].toSorted()
    count.enter(
      folder,
      entries.map((entry) => entry.replace('/', '')),
    )
    yield
    for (const entry of entries) {
      const stood = box.get(folder + entry)
      if (entry.endsWith('/')) yield* walk(box, count, folder + entry)
      else if (stood === undefined) count.pass(folder + entry)
      else count.saw(folder + entry, stood)
      yield
    }
    count.leave()
  }

  test.each([undefined, 1e9])('comes to what is there at the end (%p)', (limit) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), fc.array(fc.option(step), { maxLength: 30 }), (first, later) => {
        const usage = new Usage(limit)
        const box: Box = new Map()
        for (const each of first) apply(box, usage, each)
        const count = usage.recount()
        if (usage.isLimited) count.startsAt(nowNs++)
        const steps = later[Symbol.iterator]()
        for (const _ of walk(box, count)) {
          const { value } = steps.next()
          if (value) apply(box, usage, value)
        }
        count.done()
        const bytes = [...box.values()].reduce((sum, stood) => sum + stood.bytes, 0)
        expect(usage.held).toEqual({ bytes, blobs: box.size })
      }),
      { numRuns: 1000 },
    )
  })

  function apply(box: Box, usage: Usage, { path: at, size }: Step): void {
    const before = box.get(at)
    if (before === undefined && size === undefined) return
    if (size === undefined) box.delete(at)
    else box.set(at, { bytes: size, sinceNs: nowNs++ })
    usage.changed({ path: at, before, after: size })
  }
})
