import { expect } from 'bun:test'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileWorld } from '../dlq/file-world.ts'
import { startLetterWriter } from './letter-writer.ts'
import { allOf } from './letters.ts'

const config = { maxBytes: 1_000_000, maxRotations: 100 }

/**
 * Kills processes in the middle of writes, two at a time that share the files, so many in all, after a random number of
 * writes. Expects each time that all that was said to be kept is there, and that what is torn stands in lines of its own.
 */
export async function expectNothingLost(kills: number): Promise<void> {
  await using world = await fileWorld()
  const { signal } = new AbortController()
  let torn = 0
  for (let n = 0; n < kills; n += 2) {
    const tags = [`${n}`, `${n + 1}`]
    const confirmed = (await Promise.all(tags.map((tag) => killedWriter(world.path, tag)))).flat()
    const store = await world.open({ config })
    const kept = new Set((await allOf(store)).map(({ record }) => record.id))
    expect(confirmed.filter((id) => !kept.has(id))).toEqual([])
    expect(confirmed.length).toBeGreaterThan(0)
    const unreadable = (await linesIn(world.folder)) - kept.size
    expect(unreadable - torn).toBeLessThanOrEqual(tags.length)
    torn = unreadable
    expect(await store.purge(() => true, signal)).toBe(kept.size)
    await store[Symbol.asyncDispose]()
  }
}

/** The ids that a process said were kept, before it was killed. */
async function killedWriter(path: string, tag: string): Promise<readonly string[]> {
  const child = startLetterWriter({ do: 'write', path, config, tag })
  const after = 1 + Math.floor(Math.random() * 300)
  let said = ''
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk
    if (said.split('\n').length > after) child.kill('SIGKILL')
  }
  await child.exited
  return said.split('\n').slice(0, -1)
}

async function linesIn(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => name.includes('.jsonl'))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.join('').split('\n').filter(Boolean).length
}
