/**
 * How quickly 4 KB blobs are put, beside a bare loop that writes, fsyncs and renames, each in its turn within one run:
 * `bun bench/blobs.ts [folder]`. Then what a blob of 16 MB takes in memory while it is put and read.
 */
import { constants } from 'node:fs'
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../src/config/load.ts'
import { systemClock } from '../src/lib/clock.ts'
import { openLogger } from '../src/observe/logger.ts'
import { Metrics } from '../src/observe/metrics.ts'
import type { Blobs } from '../src/services/blobs/blobs.ts'
import { openBlobs } from '../src/services/blobs/open-blobs.ts'

const rounds = 12
const perRound = 100
const small = crypto.getRandomValues(new Uint8Array(4096))
const { signal } = new AbortController()
const clock = systemClock

type Put = (name: string) => Promise<void>

/** The least that a store must do: the file and its name survive a loss of power. */
async function barePut(folder: string, name: string): Promise<void> {
  const temporary = join(folder, `.${name}.tmp`)
  {
    await using file = await open(temporary, 'wx', 0o600)
    await file.write(small)
    await file.sync()
  }
  await rename(temporary, join(folder, name))
  await using parent = await open(folder, constants.O_RDONLY)
  await parent.sync()
}

/** Puts a second, `width` at a time. */
async function rate(put: Put, round: number, width: number): Promise<number> {
  const startMs = clock.monotonic()
  let next = 0
  const line = async (): Promise<void> => {
    while (next < perRound) await put(`f${round}-${width}-${next++}`)
  }
  await Promise.all(Array.from({ length: width }, line))
  return (perRound * 1000) / (clock.monotonic() - startMs)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

async function compare(blobs: Blobs, folder: string, width: number): Promise<void> {
  const bare: number[] = []
  const ours: number[] = []
  for (let round = 0; round < rounds; round++) {
    bare.push(await rate((name) => barePut(folder, name), round, width))
    ours.push(
      await rate(async (name) => void (await blobs.put('t', name, small, { overwrite: true, signal })), round, width),
    )
  }
  const [a, b] = [median(bare), median(ours)]
  const share = median(ours.map((value, round) => value / (bare[round] ?? 1)))
  print(`4 KB, ${width} at a time: bare ${a.toFixed(0)}/s, put ${b.toFixed(0)}/s, ${(100 * share).toFixed(0)} %`)
}

async function* stream(bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += 65_536) yield new Uint8Array(65_536).fill(at >> 16)
}

/** The most memory taken beyond what there was, in MB, while `run` runs. */
async function extraMemory(run: () => Promise<void>): Promise<number> {
  Bun.gc(true)
  const before = process.memoryUsage().rss
  let most = before
  const timer = clock.every(2, () => {
    most = Math.max(most, process.memoryUsage().rss)
  })
  await run()
  timer.cancel()
  return (Math.max(most, process.memoryUsage().rss) - before) / 1e6
}

async function large(blobs: Blobs): Promise<void> {
  const size = 16_000_000
  const put = await extraMemory(async () => {
    await blobs.put('t', 'large', stream(size - (size % 65_536)), { overwrite: true, signal })
  })
  const read = await extraMemory(async () => {
    await using reading = await blobs.read('t', 'large', { signal })
    await blobs.put('t', 'copy', reading.stream(), { overwrite: true, signal })
  })
  print(`16 MB in pieces: ${put.toFixed(1)} MB more memory to put, ${read.toFixed(1)} MB to copy`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'beamline-bench-'))
try {
  await using closing = new AsyncDisposableStack()
  const log = closing.use(
    openLogger({ level: 'warn', format: 'json', workerId: 'bench', component: 'bench', to: 'stderr', clock }),
  )
  const metrics = closing.use(new Metrics({ version: '', bun: '', commit: '' }, clock))
  const config = loadConfig({ FS_BASE_DIR: join(folder, 'box') }).blobs
  const blobs = closing.use(openBlobs({ config, clock, log, metrics }))
  const bareFolder = join(folder, 'bare')
  await mkdir(bareFolder)
  for (const width of [1, 8]) await compare(blobs, bareFolder, width)
  await large(blobs)
} finally {
  await rm(folder, { recursive: true, force: true })
}
