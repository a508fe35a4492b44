/** A store on a folder of its own. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../../src/config/load.ts'
import { JobError } from '../../../src/errors.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { openLogger } from '../../../src/observe/logger.ts'
import { Metrics } from '../../../src/observe/metrics.ts'
import type { Blobs, PutBlob, PutOptions } from '../../../src/services/blobs/blobs.ts'
import type { Holding } from '../../../src/services/blobs/folder.ts'
import { openBlobs } from '../../../src/services/blobs/open-blobs.ts'

/** A signal that does not abort. */
export const { signal: never } = new AbortController()

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly holding?: Holding
  readonly clock?: Clock
  /** Where the box is to be; without it, in a new folder. */
  readonly box?: string
}

/** The store, and what surrounds it. */
export interface BlobRig extends AsyncDisposable {
  readonly blobs: Blobs
  readonly metrics: Metrics
  /** The box; not made before the first put. */
  readonly box: string
  /** The folder that the box lies in, for what is outside. */
  readonly around: string
  readonly logged: readonly string[]
  /** Puts as tenant `t`, overwriting. */
  put(path: string, content: string | Uint8Array, options?: Partial<PutOptions>): Promise<PutBlob>
  /** The text of tenant `t`'s blob. */
  text(path: string): Promise<string>
  /** The paths of tenant `t`'s blobs. */
  paths(): Promise<readonly string[]>
}

/** Opens one; its folder goes with it, unless the box was given. */
export async function openBlobRig({ env = {}, holding, clock = systemClock, box }: Options = {}): Promise<BlobRig> {
  const around = await mkdtemp(join(tmpdir(), 'beamline-blobs-'))
  const baseDir = box ?? join(around, 'box')
  await using closing = new AsyncDisposableStack()
  closing.defer(() => rm(around, { recursive: true, force: true }))
  const logged: string[] = []
  const write = (line: string): void => void logged.push(line)
  const log = closing.use(
    openLogger({ level: 'debug', format: 'json', workerId: 'w', component: 'test', to: write, clock }),
  )
  const metrics = closing.use(new Metrics({ version: '', bun: '', commit: '' }, clock))
  const config = loadConfig({ FS_BASE_DIR: baseDir, ...env }).blobs
  const blobs = closing.use(openBlobs({ config, clock, log, metrics, ...(holding === undefined ? {} : { holding }) }))
  const owned = closing.move()
  return {
    ...{ blobs, metrics, box: baseDir, around, logged },
    put: (path, content, options = {}) =>
      blobs.put('t', path, typeof content === 'string' ? new TextEncoder().encode(content) : content, {
        ...{ overwrite: true, signal: never },
        ...options,
      }),
    async text(path) {
      await using reading = await blobs.read('t', path, { signal: never })
      return new TextDecoder().decode(await reading.bytes(1e9))
    },
    async paths() {
      const { items } = await blobs.list('t', { limit: 10_000, signal: never })
      return items.map(({ path }) => path)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The code and the details that it fails with; fails when it does not, or when an error could tell where the box is. */
export async function refusal(run: Promise<unknown>): Promise<{ readonly code: string; readonly details: unknown }> {
  const error: unknown = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof JobError)) throw new Error('it was not refused', { cause: error })
  const { code, details, message, cause } = error
  const told = `${message} ${JSON.stringify(details)} ${String(cause)}`
  if (/beamline-blobs-|\/proc|\/tmp|errno/i.test(told)) throw new Error(`it tells too much: ${told}`)
  return { code, details }
}

/** A folder of outsiders: what no job may read or write. */
export async function makeOutside(around: string): Promise<string> {
  const outside = join(around, 'outside')
  await mkdir(outside)
  await Bun.write(join(outside, 'secret.txt'), 'outside')
  return outside
}
