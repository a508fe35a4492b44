import type { Database } from 'bun:sqlite'
import type { Clock } from '../lib/clock.ts'
import { type OpenedFile, openSqliteFile } from './sqlite-file.ts'
import { type Entry, requireKey, requireRecord, type StateStore, StoreError, type Version } from './state-store.ts'

/** How long another process may hold the file before a call gives up, in milliseconds. */
const busyMs = 2000
/** How long to wait before the next try, in milliseconds, at most; chance decides. */
const retryMs = 20
/** What a value may have: enough for any message a bus carries by default, far under SQLite's own limit. */
const maxValueBytes = 8_000_000

interface Row {
  readonly key: string
  readonly value: Uint8Array
  readonly revision: string
}

/** Opens the file, and makes it when it is missing. Rejects with a ConfigError that says what is wrong with it. */
export async function openSqliteStateStore(path: string, clock: Clock): Promise<StateStore> {
  return new SqliteStateStore(await openSqliteFile(path), clock)
}

/**
 * Reads are quick and made at once. A write is made at once as well, but resolves when it is on the disk: waiting for
 * the disk is left to a thread of the runtime, and one wait serves all writes that were made meanwhile.
 */
class SqliteStateStore implements StateStore {
  readonly maxValueBytes = maxValueBytes
  readonly reach = 'process'
  readonly #file: OpenedFile
  readonly #database: Database
  readonly #clock: Clock
  /** Why the last write failed. */
  #fault: string | undefined
  /** What was counted last, by prefix. */
  readonly #counts = new Map<string, number>()
  #closed = false

  constructor(file: OpenedFile, clock: Clock) {
    this.#file = file
    this.#database = file.database
    this.#clock = clock
  }

  /** Reading may go on where nothing can be written any more, so after a failure only a write tells. */
  health(): string {
    if (this.#fault !== undefined && !this.#closed) {
      try {
        this.#file.tryToWrite()
        this.#fault = undefined
      } catch (error) {
        this.#fault = messageOf(error)
      }
    }
    return this.#fault ?? 'ok'
  }

  async create(key: string, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    requireRecord({ key, value, dueAt }, this.maxValueBytes)
    const revision = crypto.randomUUID()
    const isNew = await this.#write(
      signal,
      'INSERT INTO records (key, value, revision, due_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING',
      [key, value, revision, dueAt ?? null],
    )
    return isNew ? revision : undefined
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    requireKey(key)
    const [row] = await this.#rows(signal, 'SELECT key, value, revision FROM records WHERE key = ?', [key])
    return row
  }

  async replace({ key, revision: before }: Version, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    requireRecord({ key, value, dueAt }, this.maxValueBytes)
    const revision = crypto.randomUUID()
    const isDone = await this.#write(
      signal,
      'UPDATE records SET value = ?, revision = ?, due_at = ? WHERE key = ? AND revision = ?',
      [value, revision, dueAt ?? null, key, before],
    )
    return isDone ? revision : undefined
  }

  async remove({ key, revision }: Version, signal: AbortSignal): Promise<boolean> {
    requireKey(key)
    return this.#write(signal, 'DELETE FROM records WHERE key = ? AND revision = ?', [key, revision])
  }

  list(prefix: string, after: string | undefined, limit: number, signal: AbortSignal): Promise<readonly Entry[]> {
    const query = 'SELECT key, value, revision FROM records WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?'
    return this.#rows(signal, query, [prefix, endOf(prefix), after ?? '', limit])
  }

  async due(now: number, limit: number, signal: AbortSignal): Promise<readonly string[]> {
    const query = 'SELECT key FROM records WHERE due_at <= ? ORDER BY due_at, key LIMIT ?'
    const rows = await this.#whenFree(signal, () =>
      this.#database.query<Pick<Row, 'key'>, [number, number]>(query).all(now, limit),
    )
    return rows.map(({ key }) => key)
  }

  count(prefix: string): number {
    const query = 'SELECT count(*) AS count FROM records WHERE key >= ? AND key < ?'
    try {
      const row = this.#database.query<{ count: number }, [string, string]>(query).get(prefix, endOf(prefix))
      this.#counts.set(prefix, row?.count ?? 0)
    } catch {
      // Closed, or in the hands of another process: what was known the last time must do.
    }
    return this.#counts.get(prefix) ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#file[Symbol.asyncDispose]()
  }

  #rows(signal: AbortSignal, query: string, bindings: (string | number)[]): Promise<readonly Row[]> {
    return this.#whenFree(signal, () => this.#database.query<Row, (string | number)[]>(query).all(...bindings))
  }

  /** Resolves when the change is on the disk; false: nothing has changed. */
  async #write(signal: AbortSignal, statement: string, bindings: (string | number | Uint8Array | null)[]) {
    try {
      const changed = await this.#whenFree(signal, () => this.#database.query(statement).run(...bindings).changes > 0)
      if (changed) await this.#file.flushed()
      this.#fault = undefined
      return changed
    } catch (error) {
      if (signal.aborted) throw error
      const failure = error instanceof StoreError ? error : unreachable(error)
      this.#fault = messageOf(failure.cause)
      throw failure
    }
  }

  /** Does it as soon as no other process is in the way. */
  async #whenFree<T>(signal: AbortSignal, work: () => T): Promise<T> {
    const until = this.#clock.monotonic() + busyMs
    for (;;) {
      signal.throwIfAborted()
      try {
        if (this.#closed) throw new Error('it is closed')
        return work()
      } catch (error) {
        if (!isBusy(error) || this.#clock.monotonic() >= until) throw unreachable(error)
        await this.#clock.sleep(Math.random() * retryMs, signal)
      }
    }
  }
}

function unreachable(cause: unknown): StoreError {
  return new StoreError('unreachable', 'The state store could not be read or written', { cause })
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Behind every key that begins with the prefix: keys are ASCII. */
function endOf(prefix: string): string {
  return `${prefix}\u007f`
}
