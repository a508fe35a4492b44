/** A SQLite file of ours: how it is opened, what is in it, and when what was written is on the disk. */
import { constants, Database } from 'bun:sqlite'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError } from '../errors.ts'
import { claimFile, findFile, unusable } from './state-file.ts'
import type { Entry } from './state-store.ts'

/** Tells a file of ours from another program's; SQLite keeps it in the header. The letters are BEAM. */
const applicationId = 0x42_45_41_4d
const schemaVersion = 1
/** How every SQLite file begins; where the rest of the header is, is part of its format. */
const magic = 'SQLite format 3\0'
const headerBytes = 100
/** How long opening waits for another process that opens the file, in milliseconds. Nothing else runs by then. */
const openBusyMs = 2000

const schema = `
CREATE TABLE IF NOT EXISTS records (
  key TEXT PRIMARY KEY NOT NULL,
  value BLOB NOT NULL,
  revision TEXT NOT NULL,
  due_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS records_due ON records (due_at, key) WHERE due_at IS NOT NULL;
`

/** A file that is open; disposing of it closes it. */
export interface OpenedFile extends AsyncDisposable {
  /** Fails at once when another process is in the way. */
  readonly database: Database
  /** Resolves when all that was written before is on the disk. */
  flushed(): Promise<void>
  /** Writes, and changes nothing. Throws when it cannot. */
  tryToWrite(): void
}

/** Opens the file, and makes it when it is missing. Rejects with a ConfigError that says what is wrong with it. */
export async function openSqliteFile(path: string): Promise<OpenedFile> {
  const real = await claimFile(path)
  let database: Database | undefined
  try {
    database = prepared(real)
    const log = await open(`${real}-wal`, 'r+')
    await syncFolder(real)
    return new LoggedFile(database, log)
  } catch (error) {
    database?.close()
    if (error instanceof ConfigError) throw error
    throw unusable(path, error)
  }
}

/** Reads what begins with `prefix` from a file, and makes none. Throws for a file that cannot be read or is not ours. */
export async function* peekSqlite(path: string, prefix: string): AsyncIterable<Entry> {
  const real = await findFile(path)
  if (real === undefined) return
  using database = connected(real, constants.SQLITE_OPEN_READWRITE)
  if (isEmpty(database)) return
  refuseForeign(database, path)
  const query = 'SELECT key, value, revision FROM records WHERE substr(key, 1, ?) = ?'
  yield* database.query<Entry, [number, string]>(query).iterate(prefix.length, prefix)
}

/** What is wrong with a file, as far as its header tells; undefined: nothing, or it is not there. */
export async function inspectSqliteFile(path: string): Promise<string | undefined> {
  const header = Buffer.from(
    await Bun.file(path)
      .slice(0, headerBytes)
      .arrayBuffer()
      .catch(() => new ArrayBuffer()),
  )
  if (header.length === 0) return undefined
  if (header.length < headerBytes || header.toString('latin1', 0, magic.length) !== magic) {
    return `${path} is no SQLite file`
  }
  if (header.readUInt32BE(68) !== applicationId) return `${path} belongs to another program`
  return header.readUInt32BE(60) > schemaVersion ? `${path} was written by a later version of this program` : undefined
}

function connected(path: string, flags: number): Database {
  const database = new Database(path, flags | constants.SQLITE_OPEN_NOFOLLOW)
  database.run(`PRAGMA busy_timeout = ${openBusyMs}`)
  return database
}

function prepared(path: string): Database {
  const database = connected(path, constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE)
  try {
    if (!isEmpty(database)) refuseForeign(database, path)
    const [fault] = database.query<[string], []>('PRAGMA quick_check(1)').values()[0] ?? []
    if (fault !== 'ok') throw new Error(`it is damaged: ${String(fault)}`)
    const [mode] = database.query<[string], []>('PRAGMA journal_mode = WAL').values()[0] ?? []
    if (mode !== 'wal') throw new Error('its file system takes no write-ahead log')
    database.run('PRAGMA synchronous = FULL')
    database
      .transaction(() => {
        database.run(schema)
        database.run(`PRAGMA application_id = ${applicationId}`)
        writeVersion(database)
      })
      .immediate()
    // So that the header of the file says whose it is, for whoever looks at it from outside.
    database.run('PRAGMA wal_checkpoint')
    // From here on the disk is waited for elsewhere, where nothing else has to wait with it.
    database.run('PRAGMA synchronous = NORMAL')
    database.run('PRAGMA busy_timeout = 0')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function isEmpty(database: Database): boolean {
  return number(database, 'SELECT count(*) FROM sqlite_schema') === 0
}

function refuseForeign(database: Database, path: string): void {
  if (number(database, 'PRAGMA application_id') !== applicationId) {
    throw new ConfigError([`STATE_PATH: ${path} belongs to another program`])
  }
  if (number(database, 'PRAGMA user_version') > schemaVersion) {
    throw new ConfigError([`STATE_PATH: ${path} was written by a later version of this program`])
  }
}

function writeVersion(database: Database): void {
  database.run(`PRAGMA user_version = ${schemaVersion}`)
}

function number(database: Database, query: string): number {
  const [value] = database.query<[number], []>(query).values()[0] ?? []
  return Number(value)
}

/** A file that was made a moment ago is on the disk only when its name is. Windows has no such thing. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

/**
 * Every commit is appended to the write-ahead log, so the log is all that has to reach the disk. SQLite itself sees to
 * the disk when it moves pages from the log into the file.
 */
class LoggedFile implements OpenedFile {
  readonly database: Database
  readonly #log: FileHandle
  #latest: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(database: Database, log: FileHandle) {
    this.database = database
    this.#log = log
  }

  flushed(): Promise<void> {
    // One that is under way may have begun before the write, so it is the next one that counts.
    this.#next ??= this.#latest
      .catch(() => undefined)
      .then(() => {
        this.#latest = this.#next ?? Promise.resolve()
        this.#next = undefined
        return this.#log.datasync()
      })
    return this.#next
  }

  tryToWrite(): void {
    writeVersion(this.database)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next?.catch(() => undefined)
    await this.#latest.catch(() => undefined)
    await this.#log.close()
    this.database.close()
  }
}
