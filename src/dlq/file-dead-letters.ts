/** Dead letters in two files: what an operator should replay, and, beside it, what was the callers' own fault. */
import { unlink } from 'node:fs/promises'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { mergeDescending } from '../lib/merge-descending.ts'
import type { Logger } from '../observe/logger.ts'
import { type DeadLetter, isCallersFault } from '../protocol/dead-letter.ts'
import { fittingLine } from '../protocol/fitting-dead-letter.ts'
import type { Claim, Claimed, DeadLetterStore, KeptDeadLetter } from '../store/dead-letter-store.ts'
import { DeadLetterFile } from './dead-letter-file.ts'
import { EntryCount } from './entry-count.ts'
import { idsIn, type OpenedFile, openAll, recordsOf } from './entry-reader.ts'
import { rangesOf, removeRanges } from './entry-removal.ts'
import { draftPath, lockPath, marksPath, rejectedPath } from './file-names.ts'
import { type Limits, sharesOf } from './limits.ts'
import { openOwn, statOwn, undefinedIfMissing } from './own-file.ts'
import { ProcessLock } from './process-lock.ts'
import { ReplayMarks } from './replay-marks.ts'
import { RotatedFiles } from './rotated-files.ts'
import { areFilesStanding } from './standing-files.ts'

interface Options {
  readonly config: Config['deadLetters']
  readonly clock: Clock
  readonly log?: Logger | undefined
  /** Whether to remove what is too old or too much at once and every hour, and not only for the sake of what is written. */
  readonly upkeep?: boolean
}

const upkeepMs = 3_600_000

/** Opens the two files, creating what is missing. Rejects with a ConfigError when one of them cannot be written. */
export async function openFileDeadLetters(options: Options): Promise<DeadLetterStore> {
  await tryFileDeadLetters(options.config.path)
  const store = new FileDeadLetters(options)
  if (options.upkeep) {
    await store.tidy()
    // Counts, so that whoever asks later is told.
    store.size()
  }
  return store
}

/** Creates the files when they are missing. Rejects with a ConfigError when one of them is not ours, or cannot be written. */
export async function tryFileDeadLetters(path: string): Promise<void> {
  await areFilesStanding(path)
  await using lock = new ProcessLock(lockPath(path), systemClock)
  const attempts = [path, rejectedPath(path)].map((each) =>
    lock.hold(async () => (await openOwn(each, 'append')).close()),
  )
  const outcomes = await Promise.allSettled(attempts)
  const problems = outcomes.flatMap((each) =>
    each.status === 'rejected' ? [`DLQ_PATH: ${messageOf(each.reason)}`] : [],
  )
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
}

interface FileSet {
  readonly files: RotatedFiles
  readonly writer: DeadLetterFile
  readonly rejected: boolean
}

class FileDeadLetters implements DeadLetterStore {
  readonly place: string
  readonly #options: Options
  readonly #lock: ProcessLock
  readonly #main: FileSet
  readonly #rejected: FileSet
  readonly #marks: ReplayMarks
  readonly #count: EntryCount
  readonly #draft: string
  readonly #shares: ReturnType<typeof sharesOf>
  readonly #stack = new AsyncDisposableStack()

  constructor(options: Options) {
    const { config, clock } = options
    const { path, fsync } = config
    this.place = path
    this.#options = options
    this.#shares = sharesOf(config)
    this.#draft = draftPath(path)
    // Other processes live in real time, whatever clock this one was given.
    this.#lock = this.#stack.use(new ProcessLock(lockPath(path), systemClock))
    this.#main = this.#set(path, this.#shares.main, false)
    this.#rejected = this.#set(rejectedPath(path), this.#shares.rejected, true)
    this.#count = this.#stack.use(new EntryCount([this.#main.files, this.#rejected.files], clock))
    this.#marks = new ReplayMarks({
      ...{ path: marksPath(path), draft: this.#draft, fsync, clock },
      roomBytes: () => this.#roomForMarks(),
      existing: (ids) => this.#existing(ids),
    })
    if (!options.upkeep || config.maxAgeDays === undefined) return
    const timer = clock.every(upkeepMs, () => void this.tidy())
    this.#stack.defer(() => timer.cancel())
  }

  /** Removes what is too old or too much, and what a crash left. Never rejects: what cannot be done now is tried again. */
  async tidy(): Promise<void> {
    try {
      await this.#lock.hold(async () => {
        await this.#removeDraft()
        for (const { files } of [this.#main, this.#rejected]) {
          await files.removeAged()
          await files.makeRoom(0, await this.#totalBytes(files))
        }
      })
    } catch (error) {
      this.#options.log?.warn('Old dead letters cannot be removed', { error, context: { path: this.place } })
    }
  }

  write(record: DeadLetter, signal?: AbortSignal): Promise<void> {
    const { writer, files } = isCallersFault(record) ? this.#rejected : this.#main
    const { line, kept } = fittingLine(record, files.limits.lineBytes)
    if (kept.omitted !== undefined && record.omitted === undefined) {
      const context = { id: record.id, omitted: kept.omitted }
      this.#options.log?.warn('A dead letter is too large, and is kept without its contents', { context })
    }
    return writer.append(line, signal)
  }

  entries(signal: AbortSignal): AsyncIterable<KeptDeadLetter> {
    return this.#entries(signal)
  }

  async find(id: string, signal: AbortSignal): Promise<KeptDeadLetter | undefined> {
    for await (const entry of this.#entries(signal, id)) if (entry.record.id === id) return entry
    return undefined
  }

  claim(claim: Claim, signal: AbortSignal): Promise<Claimed> {
    return this.#lock.hold(() => this.#marks.claim(claim), signal)
  }

  settle(claim: Claim, n: number, state: 'done' | 'failed', signal: AbortSignal): Promise<void> {
    return this.#lock.hold(() => this.#marks.settle(claim, n, state), signal)
  }

  async purge(matches: (kept: KeptDeadLetter) => boolean, signal: AbortSignal): Promise<number> {
    let removed = 0
    for (;;) {
      const pass = await this.#purgeOnce(matches, signal)
      removed += pass.removed
      if (!pass.wasChanged) return removed
    }
  }

  size(): { readonly bytes: number; readonly entries: number } | undefined {
    return this.#count.size
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  #set(path: string, limits: Limits, rejected: boolean): FileSet {
    const { clock, log, config } = this.#options
    const { fsync } = config
    const onRemoved = (ino: number, bytes: number): void => this.#count.removed(ino, bytes)
    const files = new RotatedFiles({ path, limits, fsync, clock, log, onRemoved })
    const writer = new DeadLetterFile({
      ...{ files, fsync, lock: this.#lock },
      totalBytes: async () => {
        // Whoever has the lock writes it, so this one was left by a crash, and counts against the total as long as it is there.
        await this.#removeDraft()
        return this.#totalBytes(files)
      },
      onWritten: (ino, bytes, lines) => this.#count.add(ino, bytes, lines),
    })
    return { files, writer: this.#stack.use(writer), rejected }
  }

  async *#entries(signal: AbortSignal, holding?: string): AsyncGenerator<KeptDeadLetter, void> {
    await using opened = new AsyncDisposableStack()
    const { sets, marks } = await this.#open('read', signal, opened)
    const sources = sets.map(async function* ({ set, files }) {
      for await (const record of recordsOf(files, signal, holding)) {
        signal.throwIfAborted()
        yield { record, mark: marks.get(record.id), rejected: set.rejected }
      }
    })
    yield* mergeDescending(sources, ({ record }) => record.id)
  }

  /** What somebody else writes anew meanwhile `wasChanged`: what was to be removed stands elsewhere then, if at all. */
  async #purgeOnce(matches: (kept: KeptDeadLetter) => boolean, signal: AbortSignal) {
    await using opened = new AsyncDisposableStack()
    const { sets, marks } = await this.#open('change', signal, opened)
    let [removed, wasChanged] = [0, false]
    for (const { set, file } of sets.flatMap(({ set, files }) => files.map((file) => ({ set, file })))) {
      const { rejected } = set
      const wanted = (record: DeadLetter): boolean => matches({ record, mark: marks.get(record.id), rejected })
      const { ranges, entries } = await rangesOf(file, wanted, signal)
      if (entries === 0) continue
      const isRemoved = await this.#lock.hold(() => this.#remove(set, file, ranges), signal)
      if (isRemoved) removed += entries
      else wasChanged = true
    }
    this.#count.forget()
    return { removed, wasChanged }
  }

  #open(access: 'read' | 'change', signal: AbortSignal, opened: AsyncDisposableStack) {
    return this.#lock.hold(async () => {
      const marks = await this.#marks.read()
      const sets: { readonly set: FileSet; readonly files: readonly OpenedFile[] }[] = []
      for (const set of [this.#main, this.#rejected])
        sets.push({ set, files: await openAll(set.files, access, opened) })
      return { sets, marks }
    }, signal)
  }

  /** Whether the file was still in its place, or in that of a rotated one. */
  async #remove({ files }: FileSet, { file, ino }: OpenedFile, ranges: Parameters<typeof removeRanges>[0]['ranges']) {
    for (const path of await files.paths()) {
      if ((await statOwn(path))?.ino !== ino) continue
      const roomBytes = this.#shares.totalBytes - (await this.#usedBytes())
      await removeRanges({ file, path, ranges, draft: this.#draft, roomBytes })
      return true
    }
    return false
  }

  async #removeDraft(): Promise<void> {
    await unlink(this.#draft).catch(undefinedIfMissing)
  }

  async #usedBytes(): Promise<number> {
    const parts = [this.#main.files.bytes(), this.#rejected.files.bytes(), this.#marks.bytes()]
    return (await Promise.all(parts)).reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Marks may take more than their share where the files leave it; later entries get on with what is left then. */
  async #roomForMarks(): Promise<number> {
    const { main, rejected, marksBytes, totalBytes } = this.#shares
    const free = totalBytes - rejected.totalBytes - (await this.#main.files.bytes())
    return Math.min(main.totalBytes / 2, Math.max(marksBytes, free))
  }

  async #totalBytes(files: RotatedFiles): Promise<number> {
    const { main, rejected, marksBytes, totalBytes } = this.#shares
    if (files !== this.#main.files) return rejected.totalBytes
    const marks = Math.max(marksBytes, 2 * (await this.#marks.bytes()))
    return Math.max(main.totalBytes / 2, totalBytes - rejected.totalBytes - marks)
  }

  async #existing(ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    await using opened = new AsyncDisposableStack()
    const sets = [this.#main, this.#rejected].map(({ files }) => openAll(files, 'read', opened))
    return await idsIn((await Promise.all(sets)).flat(), ids)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
