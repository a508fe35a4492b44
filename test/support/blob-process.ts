/**
 * A process of its own on a store: `bun test/support/blob-process.ts BOX COMMAND ARGUMENTS…`. Commands: `fill PREFIX N`
 * puts blobs until it has put N, telling each; `count PATH N` adds one to a number N times by comparing and swapping;
 * `overwrite PATH N TEXT` puts texts that begin so; `swap PATH ELSEWHERE N` puts a link in the place of what is there, and back.
 */
import { renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { loadConfig } from '../../src/config/load.ts'
import { JobError } from '../../src/errors.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import type { Blobs } from '../../src/services/blobs/blobs.ts'
import { openBlobs } from '../../src/services/blobs/open-blobs.ts'

const [box = '', command = '', ...args] = process.argv.slice(2)
const { signal } = new AbortController()
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

async function fill(blobs: Blobs, prefix: string, n: number): Promise<void> {
  let next = 0
  const line = async (): Promise<void> => {
    while (next < n) {
      const mine = next++
      const text = `${mine} `.repeat(500 + (mine % 700))
      await blobs.put('t', `${prefix}${mine % 50}`, encode(text), {
        overwrite: true,
        metadata: { n: String(mine) },
        signal,
      })
      process.stdout.write(`${mine}\n`)
    }
  }
  await Promise.all([line(), line(), line(), line()])
}

async function count(blobs: Blobs, path: string, n: number): Promise<void> {
  for (let done = 0; done < n; ) {
    await using reading = await blobs.read('t', path, { signal })
    const now = Number(new TextDecoder().decode(await reading.bytes(100)))
    const { sha256 = '' } = reading.info
    try {
      await blobs.put('t', path, encode(String(now + 1)), { overwrite: true, ifSha256: sha256, signal })
      done++
    } catch (error) {
      if (!(error instanceof JobError && error.code === 'PRECONDITION_FAILED')) throw error
    }
  }
}

async function overwrite(blobs: Blobs, path: string, n: number, text: string): Promise<void> {
  for (let done = 0; done < n; done++) {
    const content = `${text}${done} `.repeat(1000 + done)
    await blobs.put('t', path, encode(content), { overwrite: true, metadata: { begins: `${text}${done} ` }, signal })
  }
}

/** Mostly in one go: whoever is to be caught must be caught between two of its steps. */
async function swap(name: string, elsewhere: string, n: number): Promise<void> {
  const steps = [
    () => renameSync(name, `${name}-aside`),
    () => symlinkSync(elsewhere, name),
    () => unlinkSync(name),
    () => renameSync(`${name}-aside`, name),
  ]
  for (let done = 0; done < n; done++) {
    for (const [at, step] of steps.entries()) {
      try {
        step()
      } catch {
        // What the store put there, or took away, meanwhile.
      }
      if (done % 32 === 8 * at) await systemClock.sleep(0)
    }
  }
  process.stdout.write('done\n')
}

if (command === 'swap') {
  const [folder = '', elsewhere = '', n] = args
  await swap(folder, elsewhere, Number(n))
} else {
  using metrics = new Metrics({ version: '', bun: '', commit: '' }, systemClock)
  using log = openLogger({ level: 'warn', format: 'json', workerId: 'w', component: 'test', to: 'stderr' })
  const config = loadConfig({ FS_BASE_DIR: box }).blobs
  await using blobs = openBlobs({ config, clock: systemClock, log, metrics })
  const [path = '', n, text = ''] = args
  if (command === 'fill') await fill(blobs, path, Number(n))
  if (command === 'count') await count(blobs, path, Number(n))
  if (command === 'overwrite') await overwrite(blobs, path, Number(n), text)
}
