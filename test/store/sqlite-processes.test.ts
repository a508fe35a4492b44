import { expect, test } from 'bun:test'
import { join, resolve } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'
import { temporaryFolder } from './temporary-folder.ts'

const { signal } = new AbortController()
const writer = resolve(import.meta.dir, '../support/store-writer.ts')
const number = (value: Uint8Array | undefined): number => Number(new TextDecoder().decode(value))

function run(...command: string[]) {
  return Bun.spawn([process.execPath, writer, ...command], { stdout: 'pipe', stderr: 'inherit' })
}

test('two processes make each record once, and lose no change', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  await using store = await openSqliteStateStore(path, systemClock)
  const creators = [run('create', path, '50'), run('create', path, '50')]
  const made = await Promise.all(creators.map(({ stdout }) => new Response(stdout).text()))
  expect(made.map(Number).reduce((sum, each) => sum + each)).toBe(50)
  expect(store.count('c.')).toBe(50)
  await store.create('sum', new TextEncoder().encode('0'), undefined, signal)
  const adders = [run('add', path, '50'), run('add', path, '50')]
  expect(await Promise.all(adders.map(({ exited }) => exited))).toEqual([0, 0])
  expect(number((await store.get('sum', signal))?.value)).toBe(100)
  await Promise.all(creators.map(({ exited }) => exited))
}, 30_000)

test('what was confirmed is there after SIGKILL', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  for (const after of [1, 40, 150]) {
    const child = run('write', path)
    let said = ''
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += chunk
      if (said.split('\n').length > after) child.kill('SIGKILL')
    }
    await child.exited
    const confirmed = said.slice(0, said.lastIndexOf('\n')).split('\n').map(Number)
    await using store = await openSqliteStateStore(path, systemClock)
    for (const n of confirmed) {
      const entry = await store.get(`w.${n}`, signal)
      expect(entry?.value).toEqual(new Uint8Array(10_000).fill(n % 256))
    }
    expect(await store.due(Number.MAX_SAFE_INTEGER, 1, signal)).toEqual(['w.0'])
  }
}, 30_000)
