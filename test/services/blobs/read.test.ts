import { describe, expect, test } from 'bun:test'
import { truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobReading } from '../../../src/services/blobs/blobs.ts'
import { never, openBlobRig, refusal } from './blob-rig.ts'

const holdings = ['descriptor', 'path'] as const

async function textOf(reading: BlobReading): Promise<string> {
  let text = ''
  for await (const piece of reading.stream()) text += new TextDecoder().decode(piece)
  return text
}

describe.each(holdings)('reading, with folders held by %s', (holding) => {
  test('gives a range, clipped to the blob', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', '0123456789')
    const cases = [
      [undefined, 0, 10],
      [{ start: 3 }, 3, 10],
      [{ start: 3, end: 5 }, 3, 5],
      [{ start: 0, end: 0 }, 0, 0],
      [{ start: 8, end: 99 }, 8, 10],
      [{ start: 10 }, 10, 10],
    ] as const
    for (const [range, start, end] of cases) {
      await using reading = await rig.blobs.read('t', 'x', { signal: never, ...(range && { range }) })
      expect(reading.range).toEqual({ start, end })
      expect(new TextDecoder().decode(await reading.bytes(10))).toBe('0123456789'.slice(start, end))
      expect(await textOf(reading)).toBe('0123456789'.slice(start, end))
    }
    const behind = await refusal(rig.blobs.read('t', 'x', { signal: never, range: { start: 11 } }))
    expect(behind).toEqual({ code: 'INVALID_INPUT', details: { field: 'range', size: 10 } })
  })

  test('reads no more than is wanted', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', '0123456789')
    await using reading = await rig.blobs.read('t', 'x', { signal: never })
    expect(await refusal(reading.bytes(9))).toEqual({ code: 'QUOTA_EXCEEDED', details: { reason: 'blob', limit: 9 } })
  })

  test('stays with the blob that it opened', async () => {
    await using rig = await openBlobRig({ holding })
    const one = 'one '.repeat(50_000)
    const { sha256 } = await rig.put('x', one, { contentType: 'text/one' })
    await using reading = await rig.blobs.read('t', 'x', { signal: never })
    await rig.put('x', 'two', { contentType: 'text/two' })
    expect(reading.info).toMatchObject({ sha256, contentType: 'text/one' })
    expect(await textOf(reading)).toBe(one)
    await rig.blobs.remove('t', 'x', { missingOk: false, signal: never })
    expect(new TextDecoder().decode(await reading.bytes(1e6))).toBe(one)
  })

  test('finds what belongs together while the blob is overwritten all the time', async () => {
    await using rig = await openBlobRig({ holding })
    const text = (n: number): string => `${n}-`.repeat((n % 50) + 1)
    await rig.put('x', text(0), { metadata: { n: '0' } })
    let isOver = false
    const writing = (async () => {
      for (let n = 1; n <= 150; n++) await rig.put('x', text(n), { metadata: { n: String(n) } })
      isOver = true
    })()
    const seen = new Set<string | undefined>()
    while (!isOver) {
      await using reading = await rig.blobs.read('t', 'x', { signal: never })
      const { metadata, sha256, size } = reading.info
      const now = await textOf(reading)
      expect(metadata).toEqual({ n: String(Number.parseInt(now, 10)) })
      expect(size).toBe(now.length)
      expect(new Bun.CryptoHasher('sha256').update(now).digest('hex')).toBe(sha256 ?? '')
      seen.add(now)
    }
    await writing
    expect(seen.size).toBeGreaterThan(1)
  })

  test('notices that a blob is cut short under its hands', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', 'a'.repeat(200_000))
    await using reading = await rig.blobs.read('t', 'x', { signal: never })
    await truncate(join(rig.box, 'x'), 10)
    const corrupt = { code: 'DATA_CORRUPT', details: { reason: 'short' } }
    expect(await refusal(reading.bytes(1e6))).toEqual(corrupt)
    expect(await refusal(textOf(reading))).toEqual(corrupt)
  })

  test('tells of files that others have written what there is to tell', async () => {
    await using rig = await openBlobRig({ holding })
    const { sha256 } = await rig.put('x', 'mine', { contentType: 'a/b', metadata: { a: 'b' }, ttlSeconds: 60 })
    await writeFile(join(rig.box, 'x'), 'theirs')
    await writeFile(join(rig.box, 'y'), 'theirs')
    await utimes(join(rig.box, 'y'), 1_700_000_000, 1_700_000_000.25)
    const modified = expect.any(String)
    expect(await rig.blobs.stat('t', 'x', never)).toEqual({ path: 'x', size: 6, sha256, modified })
    expect(await rig.blobs.stat('t', 'y', never)).toEqual({ path: 'y', size: 6, modified: '2023-11-14T22:13:20.250Z' })
  })

  test('finds nothing where there is nothing', async () => {
    await using rig = await openBlobRig({ holding })
    const missing = { code: 'FILE_NOT_FOUND', details: { reason: 'missing' } }
    expect(await refusal(rig.blobs.stat('t', 'x', never))).toEqual(missing)
    await rig.put('a/b', 'x')
    for (const path of ['x', 'a', 'a/c', 'a/b/c', 'b/c']) {
      expect(await refusal(rig.blobs.stat('t', path, never))).toEqual(missing)
      expect(await refusal(rig.blobs.read('t', path, { signal: never }))).toEqual(missing)
    }
  })

  test('ends with its signal', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', 'a'.repeat(200_000))
    const stop = new AbortController()
    await using reading = await rig.blobs.read('t', 'x', { signal: stop.signal })
    const reason = new Error('called off')
    stop.abort(reason)
    expect(await textOf(reading).catch((thrown: unknown) => thrown)).toBe(reason)
    const late = rig.blobs.read('t', 'x', { signal: stop.signal })
    expect(await late.catch((thrown: unknown) => thrown)).toBe(reason)
  })
})
