/** The file store as a service: the calls of jobs on one side, the box on the other. */
import type { Config } from '../../config/schema.ts'
import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { unsentError } from '../../lib/restated-error.ts'
import { safePath } from '../../lib/safe-path.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { infoOf, type Lifetime, type NotedFile, openNoted, refuseExpired } from './blob-view.ts'
import type { BlobInfo, BlobPage, BlobRange, BlobReading, Blobs, PutBlob, PutOptions } from './blobs.ts'
import { Box } from './box.ts'
import { type Doing, fileFailure, isErrno } from './file-failure.ts'
import { type Folder, type Holding, systemHolding } from './folder.ts'
import { Listing } from './listing.ts'
import { PathLocks } from './path-lock.ts'
import { type Place, Places } from './place.ts'
import { processMark } from './process-mark.ts'
import { putBlob } from './put.ts'
import { Reading } from './reading.ts'
import { removeBlob } from './removal.ts'
import { Settling } from './settling.ts'
import { expectHash, expectStanding, isOther, type Standing, standingAt } from './standing.ts'
import { Sweeping } from './sweeping.ts'
import { type Content, tooLarge } from './temporary-file.ts'
import { Usage } from './usage.ts'
import type { Workshop } from './workshop.ts'

interface BlobsOptions {
  readonly config: Config['blobs']
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** How folders are held; as this system does it best. */
  readonly holding?: Holding
}

/** Opens the store. The box is made when the first blob is put; what an earlier process left in it is removed now. */
export function openBlobs(options: BlobsOptions): Blobs {
  return new OpenBlobs(options)
}

class OpenBlobs implements Blobs {
  readonly maxBlobBytes: number
  readonly #clock: Clock
  readonly #metrics: Metrics
  readonly #lifetime: Lifetime
  readonly #places: Places
  readonly #usage: Usage
  readonly #box: Box
  readonly #workshop: Promise<Workshop>
  readonly #sweeping: Sweeping
  readonly #settling = new Settling()

  constructor({ config, clock, log, metrics, holding = systemHolding }: BlobsOptions) {
    this.maxBlobBytes = config.maxBlobBytes
    this.#clock = clock
    this.#metrics = metrics
    this.#lifetime = config.ttlSeconds === undefined ? undefined : config.ttlSeconds * 1000
    this.#places = new Places(config.tenantIsolation)
    this.#usage = new Usage(config.maxTotalBytes)
    this.#box = new Box({ path: config.baseDir, holding, clock })
    this.#workshop = this.#openWorkshop()
    this.#sweeping = new Sweeping({
      ...{ box: this.#box, workshop: this.#workshop, clock, log: log.child({ component: 'blobs' }) },
      onRemoval: (reason) => metrics.blobRemoved(reason),
    })
    metrics.observe({ blobs: () => this.#usage.held })
  }

  put(tenantId: string, path: string, content: Content, options: PutOptions): Promise<PutBlob> {
    return this.#run(options.signal, 'write', async (onCommit) => {
      const place = this.#places.of(tenantId, path)
      if (content instanceof Uint8Array && content.length > this.maxBlobBytes) throw tooLarge(this.maxBlobBytes)
      const workshop = await this.#workshop
      if (this.#usage.isLimited) await this.#untilCounted()
      let isTaken = false
      const onContent = (): void => {
        isTaken = true
      }
      const put = (folder: Folder): Promise<PutBlob> =>
        putBlob(workshop, folder, place, content, { ...options, maxBytes: this.maxBlobBytes, onContent, onCommit })
      try {
        return await this.#box.within(place.folders, true, put)
      } catch (error) {
        // A folder was removed just then, or the whole box: they are made again, if the content is still there.
        if (isTaken || !isErrno(error, 'ENOENT')) throw error
        this.#box.distrust()
      }
      return this.#box.within(place.folders, true, put)
    })
  }

  check(tenantId: string, path: string, options: Pick<PutOptions, 'overwrite' | 'ifSha256' | 'signal'>): Promise<void> {
    return this.#run(options.signal, 'write', async () => {
      const place = this.#places.of(tenantId, path)
      const standing = { lifetime: this.#lifetime, clock: this.#clock }
      try {
        await this.#box.within(place.folders, false, async (folder) => {
          await expectStanding(folder, place.name, await standingAt(folder, place.name, standing), options)
        })
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error
        if (options.ifSha256 !== undefined) throw isOther('missing')
      }
    })
  }

  stat(tenantId: string, path: string, signal: AbortSignal): Promise<BlobInfo> {
    return this.#run(signal, 'read', async () => {
      const place = this.#places.of(tenantId, path)
      return this.#box.within(place.folders, false, async (folder) => {
        await using noted = await this.#open(folder, place)
        return infoOf(place.path, noted.file.version, noted.note, this.#lifetime)
      })
    })
  }

  read(
    tenantId: string,
    path: string,
    { range, signal }: { readonly range?: BlobRange; readonly signal: AbortSignal },
  ): Promise<BlobReading> {
    return this.#run(
      signal,
      'read',
      async () => {
        const place = this.#places.of(tenantId, path)
        return this.#box.within(place.folders, false, async (folder) => {
          await using opened = new AsyncDisposableStack()
          const noted = opened.use(await this.#open(folder, place))
          const info = infoOf(place.path, noted.file.version, noted.note, this.#lifetime)
          const reading = new Reading(noted, info, range, signal)
          opened.move()
          return reading
        })
      },
      (reading) => reading[Symbol.asyncDispose](),
    )
  }

  list(
    tenantId: string,
    options: {
      readonly prefix?: string
      readonly limit: number
      readonly cursor?: string
      readonly signal: AbortSignal
    },
  ): Promise<BlobPage> {
    const { limit, cursor, signal } = options
    return this.#run(signal, 'read', async () => {
      const { prefix, folders } = this.#places.prefix(options.prefix ?? '')
      const after = cursor === undefined ? '' : pathOf(cursor)
      const nowMs = this.#clock.now()
      const wanted = {
        ...{ prefix, after, limit: limit + 1 },
        ...{ lifetime: this.#lifetime, nowMs, signal },
      }
      const listing = new Listing(wanted)
      const path = folders.map((name) => `${name}/`).join('')
      try {
        const base = [...this.#places.base(tenantId), ...folders]
        await this.#box.within(base, false, (folder) => listing.collect(folder, path))
      } catch (error) {
        if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
      }
      const items = listing.items.slice(0, limit)
      const last = items.at(-1)
      return listing.items.length > limit && last !== undefined ? { items, next: cursorOf(last) } : { items }
    })
  }

  remove(
    tenantId: string,
    path: string,
    options: { readonly ifSha256?: string; readonly missingOk: boolean; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { ifSha256, missingOk, signal } = options
    return this.#run(signal, 'write', async (onCommit) => {
      const place = this.#places.of(tenantId, path)
      const workshop = await this.#workshop
      try {
        return await this.#box.within(place.folders, false, async (folder) => {
          const mayGo = async (standing: Standing | undefined): Promise<boolean> => {
            if (standing === undefined || standing.isGone) throw missing()
            if (ifSha256 !== undefined) await expectHash(folder, place.name, standing, ifSha256, signal)
            onCommit()
            return true
          }
          await removeBlob(workshop, folder, place, mayGo, signal)
          this.#metrics.blobRemoved('deleted')
          await folder.sync()
          return true
        })
      } catch (error) {
        const told = isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR') ? missing() : error
        if (missingOk && told instanceof JobError && told.code === 'FILE_NOT_FOUND') return false
        throw told
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settling.idle()
    await this.#sweeping[Symbol.asyncDispose]()
    await this.#box[Symbol.asyncDispose]()
  }

  async #openWorkshop(): Promise<Workshop> {
    const clock = this.#clock
    return {
      mark: await processMark(),
      locks: new PathLocks(clock),
      usage: this.#usage,
      lifetime: this.#lifetime,
      clock,
    }
  }

  async #open(folder: Folder, { name }: Place): Promise<NotedFile> {
    await using opened = new AsyncDisposableStack()
    const noted = opened.use(await openNoted(folder, name))
    refuseExpired(noted.file.version, noted.note, this.#lifetime, this.#clock.now())
    opened.move()
    return noted
  }

  async #untilCounted(): Promise<void> {
    await this.#sweeping.first
    if (this.#usage.held === undefined) {
      throw new JobError('RESOURCE_UNAVAILABLE', 'How much the blobs hold is not known', {
        details: { reason: 'not_counted' },
      })
    }
  }

  async #run<T>(
    signal: AbortSignal,
    doing: Doing,
    run: (onCommit: () => void) => Promise<T>,
    drop?: (result: T) => PromiseLike<void>,
  ): Promise<T> {
    const told = async (onCommit: () => void): Promise<T> => {
      let isDoubtful = false
      const commit = (): void => {
        onCommit()
        isDoubtful = doing === 'write'
      }
      try {
        return await run(commit)
      } catch (error) {
        const failure = fileFailure(error, doing)
        throw failure instanceof JobError && !isDoubtful ? unsentError(failure) : failure
      }
    }
    return this.#settling.run(signal, told, drop)
  }
}

function cursorOf({ path }: Pick<BlobInfo, 'path'>): string {
  return Buffer.from(path).toString('base64url')
}

function pathOf(cursor: string): string {
  const read = safePath(Buffer.from(cursor, 'base64url').toString())
  if ('path' in read && cursorOf(read) === cursor) return read.path
  throw new JobError('INVALID_INPUT', 'The cursor is not one of a listing', { details: { field: 'cursor' } })
}

function missing(): JobError {
  return new JobError('FILE_NOT_FOUND', 'There is no such blob', { details: { reason: 'missing' } })
}
