/** One at a time, among all processes of the machine. */
import { constants, Database } from 'bun:sqlite'
import type { Stats } from 'node:fs'
import { chmod, lstat, mkdir, open, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { refuseForeign } from './own-file.ts'

const firstPollMs = 1
const longestPollMs = 4
/** Whoever kept the lock for this long all in all lets others have it: they look every `longestPollMs`. */
const longestTurnMs = 50
const restMs = longestPollMs + 2
/** How long to wait for a process that has the lock; a stopped one never gives it back. */
const longestWaitMs = 5000

interface Opened {
  readonly database: Database
  readonly stat: Stats
}

/**
 * A lock that the kernel gives back when its holder dies. It is SQLite's own on a file that stays empty: taking it
 * writes nothing, so it works on a full disk, and in every system in the same way. Taking and giving it costs 15 µs.
 */
export class ProcessLock implements AsyncDisposable {
  readonly #path: string
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()
  #opened: Opened | undefined
  #heldMs = 0
  #freeSince = 0

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /** Runs `work` while nobody else has the lock. Rejects when the signal aborts before, or when another process keeps it. */
  hold<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = this.#last.then(() => this.#run(work, signal))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Waits for the work under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
    this.#close()
  }

  async #run<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted()
    await this.#letOthers(signal)
    const { database } = await this.#take(signal)
    const since = this.#clock.monotonic()
    try {
      return await work()
    } finally {
      database.run('ROLLBACK')
      this.#freeSince = this.#clock.monotonic()
      this.#heldMs += this.#freeSince - since
    }
  }

  async #letOthers(signal: AbortSignal | undefined): Promise<void> {
    const idleMs = this.#clock.monotonic() - this.#freeSince
    if (idleMs < restMs && this.#heldMs < longestTurnMs) return
    this.#heldMs = 0
    if (idleMs < restMs) await this.#clock.sleep(restMs, signal)
  }

  async #take(signal: AbortSignal | undefined): Promise<Opened> {
    const untilMs = this.#clock.monotonic() + longestWaitMs
    for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, longestPollMs)) {
      this.#opened ??= await openLock(this.#path)
      if (begin(this.#opened.database)) {
        const opened = this.#opened
        this.#opened = undefined
        if (await isStillThere(this.#path, opened)) {
          this.#opened = opened
          return opened
        }
        continue
      }
      if (this.#clock.monotonic() >= untilMs) throw new Error(`another process keeps ${this.#path} locked`)
      await this.#clock.sleep(pollMs, signal)
    }
  }

  #close(): void {
    this.#opened?.database.close()
    this.#opened = undefined
  }
}

async function openLock(path: string): Promise<Opened> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await makeMissing(path)
  const stat = await lstat(path)
  refuseForeign(stat, path)
  if (stat.size > 0) throw new Error(`${path} belongs to another program`)
  if (process.getuid !== undefined && (stat.mode & 0o077) !== 0) await chmod(path, 0o600)
  // SQLite takes a link anywhere in the path for one; folders may be: what systemd gives a DynamicUser is.
  const real = join(await realpath(dirname(path)), basename(path))
  const database = new Database(real, constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_NOFOLLOW)
  database.run('PRAGMA busy_timeout = 0')
  // What a transaction begins with would be written beside the file.
  database.run('PRAGMA journal_mode = MEMORY')
  return { database, stat }
}

/** Never opened when it is there: to close a file that SQLite has open in this process would give up its locks. */
async function makeMissing(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function begin(database: Database): boolean {
  try {
    database.run('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') return false
    throw error
  }
}

/** Systems empty temporary folders: whoever comes later makes the file anew, and locks another one. */
async function isStillThere(path: string, { database, stat }: Opened): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  const isSame = found?.dev === stat.dev && found.ino === stat.ino
  if (!isSame) database.close()
  return isSame
}
