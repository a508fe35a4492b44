/** Another process puts links in the place of folders and files, while the store is used: nothing outside is touched. */
import { expect, test } from 'bun:test'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JobError } from '../../src/errors.ts'
import { type BlobRig, never, openBlobRig } from '../services/blobs/blob-rig.ts'

const rounds = 10_000
const program = join(import.meta.dir, '../support/blob-process.ts')

/** Everything that could be noticed of a folder and what is in it. */
async function traces(folder: string): Promise<unknown> {
  const names = (await readdir(folder)).toSorted()
  const files = names.map(async (name) => {
    const { ino, mtimeNs, nlink } = await stat(join(folder, name), { bigint: true })
    return { name, ino, mtimeNs, nlink, text: await readFile(join(folder, name), 'utf8') }
  })
  const { mtimeNs, nlink } = await stat(folder, { bigint: true })
  return { mtimeNs, nlink, files: await Promise.all(files) }
}

interface Tally {
  done: number
  refused: number
}

async function attempt(tally: Tally, run: Promise<unknown>): Promise<void> {
  try {
    await run
    tally.done++
  } catch (error) {
    if (!(error instanceof JobError)) throw error
    expect(error.code).toMatch(
      /^(PERMISSION_DENIED|FILE_NOT_FOUND|RESOURCE_UNAVAILABLE|FILE_WRITE_ERROR|FILE_EXISTS|DATA_CORRUPT)$/,
    )
    tally.refused++
  }
}

async function readInside(rig: BlobRig, path: string): Promise<void> {
  expect(await rig.text(path)).toStartWith('inside')
}

async function listInside(rig: BlobRig): Promise<void> {
  const { items } = await rig.blobs.list('t', { limit: 1000, signal: never })
  expect(items.filter(({ size, path }) => size > 100 || path.includes('secret'))).toEqual([])
}

/** Until the swappers are done; in turn what a job can do to a folder that is swapped, and to a file that is. */
async function use(rig: BlobRig, isOver: () => boolean, n: number): Promise<Tally> {
  const tally = { done: 0, refused: 0 }
  const actions: readonly (() => Promise<unknown>)[] = [
    () => rig.put('dir/x', `inside ${n}`),
    () => readInside(rig, 'dir/x'),
    () => rig.put('dir/deep/er/y', 'inside', { metadata: { a: 'b' } }),
    () => readInside(rig, 'file'),
    () => rig.put('dir/z', 'inside', { overwrite: false }),
    () => rig.put('file', 'inside'),
    () => rig.blobs.remove('t', 'dir/z', { missingOk: true, signal: never }),
    () => listInside(rig),
    () => readInside(rig, 'dir/secret.txt'),
    () => rig.blobs.remove('t', 'dir/secret.txt', { missingOk: false, signal: never }),
    () => readInside(rig, 'dir/deep/er/y'),
  ]
  for (let at = n; !isOver(); at++) await attempt(tally, actions[at % actions.length]?.() ?? Promise.resolve())
  return tally
}

async function end(processes: readonly Bun.Subprocess[]): Promise<void> {
  for (const each of processes) each.kill()
  await Promise.all(processes.map(({ exited }) => exited))
}

test.if(process.platform === 'linux')(
  `${rounds} swaps`,
  async () => {
    await using rig = await openBlobRig()
    const outside = join(rig.around, 'outside')
    await mkdir(outside)
    for (const name of ['secret.txt', 'x', 'z']) await writeFile(join(outside, name), `outside ${'!'.repeat(200)}`)
    const before = await traces(outside)
    await rig.put('dir/x', 'inside')
    await rig.put('file', 'inside')
    const swaps = [
      [join(rig.box, 'dir'), outside],
      [join(rig.box, 'file'), join(outside, 'secret.txt')],
    ]
    const swappers = swaps.map((swap) =>
      Bun.spawn([process.execPath, program, rig.box, 'swap', ...swap, String(rounds)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    )
    await using _stop = { [Symbol.asyncDispose]: () => end(swappers) }
    let isOver = false
    const over = Promise.all(swappers.map(({ exited }) => exited)).then((codes) => {
      isOver = true
      expect(codes).toEqual([0, 0])
    })
    const tallies = await Promise.all([0, 2, 4, 7].map((n) => use(rig, () => isOver, n)))
    await over
    expect(await traces(outside)).toEqual(before)
    const done = tallies.reduce((sum, tally) => sum + tally.done, 0)
    const refused = tallies.reduce((sum, tally) => sum + tally.refused, 0)
    // Otherwise the two have missed each other.
    expect(done).toBeGreaterThan(500)
    expect(refused).toBeGreaterThan(100)
  },
  120_000,
)
