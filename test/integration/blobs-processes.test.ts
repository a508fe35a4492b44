/** Processes that share a box, and processes that die in it. */
import { describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlobRig, never, openBlobRig } from '../services/blobs/blob-rig.ts'
import { eventually } from '../support/eventually.ts'
import { LineLog } from '../support/line-log.ts'

const program = join(import.meta.dir, '../support/blob-process.ts')

function start(box: string, ...args: readonly string[]) {
  return Bun.spawn([process.execPath, program, box, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function sound(rig: BlobRig, path: string): Promise<string> {
  await using reading = await rig.blobs.read('t', path, { signal: never })
  const text = new TextDecoder().decode(await reading.bytes(1e7))
  expect(new Bun.CryptoHasher('sha256').update(text).digest('hex')).toBe(reading.info.sha256 ?? '')
  return text
}

describe('a process killed while it puts', () => {
  test('leaves whole blobs only, and after the next start nothing else', async () => {
    await using rig = await openBlobRig()
    await rig.put('seed', '')
    for (let round = 0; round < 4; round++) {
      const child = start(rig.box, 'fill', 'dir/', '1000')
      const lines = new LineLog()
      const reading = lines.read(child.stdout, 'stdout')
      await lines.waitFor((line) => line === String(40 + round * 61))
      child.kill('SIGKILL')
      await child.exited
      await reading
      expect(lines.stdout.length).toBeLessThan(1000)
      for (const path of (await rig.paths()).filter((name) => name !== 'seed')) {
        const text = await sound(rig, path)
        const n = Number.parseInt(text, 10)
        expect(text).toBe(`${n} `.repeat(500 + (n % 700)))
        expect((await rig.blobs.stat('t', path, never)).metadata).toEqual({ n: String(n) })
      }
    }
    await using next = await openBlobRig({ box: rig.box })
    const left = async (): Promise<readonly string[]> =>
      (await readdir(join(rig.box, 'dir'))).filter((name) => /tmp|lock|break/.test(name))
    await eventually(async () => (await left()).length === 0)
    // What it held locked is free at once, and a whole fill fits in.
    for (let n = 0; n < 50; n++) await next.put(`dir/${n}`, 'mine')
    const notes = (await readdir(join(rig.box, 'dir'))).filter((name) => name.startsWith('.'))
    expect(notes.length).toBeGreaterThanOrEqual(50)
    expect(await sound(next, 'dir/7')).toBe('mine')
  }, 120_000)
})

describe('two processes on one box', () => {
  test('compare and swap without losing one', async () => {
    await using rig = await openBlobRig()
    await rig.put('dir/count', '0')
    const children = [1, 2, 3].map(() => start(rig.box, 'count', 'dir/count', '60'))
    expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0])
    expect(await sound(rig, 'dir/count')).toBe('180')
    expect(await readdir(join(rig.box, 'dir'))).toHaveLength(2)
  }, 120_000)

  test('overwrite one path while others read whole blobs', async () => {
    await using rig = await openBlobRig()
    await rig.put('x', 'seed', { metadata: { begins: 'seed' } })
    const children = ['a', 'b'].map((text) => start(rig.box, 'overwrite', 'x', '150', text))
    let isOver = false
    const over = Promise.all(children.map(({ exited }) => exited)).then((codes) => {
      isOver = true
      expect(codes).toEqual([0, 0])
    })
    const seen = new Set<string>()
    while (!isOver) {
      await using reading = await rig.blobs.read('t', 'x', { signal: never })
      const text = new TextDecoder().decode(await reading.bytes(1e7))
      const { sha256, metadata } = reading.info
      expect(new Bun.CryptoHasher('sha256').update(text).digest('hex')).toBe(sha256 ?? '')
      expect(text).toStartWith(metadata?.['begins'] ?? 'none')
      seen.add(metadata?.['begins'] ?? '')
    }
    await over
    expect(seen.size).toBeGreaterThan(2)
    expect(await sound(rig, 'x')).toMatch(/^[ab]149 /)
    expect(await readdir(rig.box)).toHaveLength(2)
  }, 120_000)
})
