/** What was replayed, written down in a file of JSON lines beside the dead letters. */
import { type FileHandle, rename, unlink } from 'node:fs/promises'
import type { Clock } from '../lib/clock.ts'
import { isJsonObject } from '../protocol/json.ts'
import type { Claim, Claimed, ReplayMark } from '../store/dead-letter-store.ts'
import { appendWhole } from './dead-letter-file.ts'
import { linesForwards } from './lines.ts'
import { MarkTable } from './mark-table.ts'
import { openOwn, statOwn, undefinedIfMissing } from './own-file.ts'

/** A file smaller than this, in bytes, is not worth writing anew. */
const smallestWorthwhile = 65_536
/** How long the line is that tells a file from others. */
const nameBytes = 47

interface Options {
  readonly path: string
  /** Where a new copy is made, in the same folder. */
  readonly draft: string
  readonly fsync: boolean
  readonly clock: Clock
  /** How many bytes the file and a copy of it may have together at the moment. */
  readonly roomBytes: () => Promise<number>
  /** Those of the ids whose entries are still there. */
  readonly existing: (ids: ReadonlySet<string>) => Promise<ReadonlySet<string>>
}

/** Marks of replays. Everything here is called with the lock held. */
export class ReplayMarks {
  readonly #options: Options
  /** Tells a file from the one that stood in its place before. */
  #file = ''
  #readTo = 0
  #table = new MarkTable()

  constructor(options: Options) {
    this.#options = options
  }

  /** What there is, with what other processes have added since it was last asked. */
  async read(): Promise<Pick<MarkTable, 'get'>> {
    const { path } = this.#options
    const opened = await openOwn(path, 'read').catch(undefinedIfMissing)
    if (opened === undefined) {
      this.#forget('')
      return this.#table
    }
    await using file = opened
    const name = await nameOf(file)
    if (name !== this.#file) this.#forget(name)
    const { signal } = new AbortController()
    for await (const { at, bytes } of linesForwards(file, this.#readTo, signal)) {
      this.#readTo = at + bytes.length + 1
      this.#table.add(parsed(bytes.toString()))
    }
    return this.#table
  }

  async claim({ job, ids, atLeast, force, by }: Claim): Promise<Claimed> {
    await this.read()
    const taken = ids.map((id) => this.#table.get(id)).find((mark) => mark !== undefined && mark.state !== 'failed')
    if (taken !== undefined && !force) return { kind: 'taken', mark: taken }
    const n = Math.max(atLeast, 1 + this.#table.highest(job))
    await this.#write({ job, ids, n, by, state: 'begun' })
    return { kind: 'granted', n }
  }

  async settle({ job, ids, by }: Claim, n: number, state: 'done' | 'failed'): Promise<void> {
    await this.read()
    await this.#write({ job, ids, n, by, state })
  }

  /** Of the file, in bytes. */
  async bytes(): Promise<number> {
    return (await statOwn(this.#options.path))?.size ?? 0
  }

  async #write(mark: Pick<Claim, 'job' | 'ids' | 'by'> & Pick<ReplayMark, 'n' | 'state'>): Promise<void> {
    const { path, clock, fsync } = this.#options
    const line = Buffer.from(`${JSON.stringify({ ...mark, at: new Date(clock.now()).toISOString() })}\n`)
    // Whoever begins must be able to say how it ended.
    await this.#makeRoom(mark.state === 'begun' ? 2 * line.length : line.length)
    await using file = await openOwn(path, 'append')
    const begin = this.#file === '' ? [nameLine()] : []
    await appendWhole(file, [...begin, line], fsync)
  }

  async #makeRoom(bytes: number): Promise<void> {
    const size = await this.bytes()
    if (size > smallestWorthwhile && this.#table.surplus) return this.#rewrite()
    const room = await this.#options.roomBytes()
    if (2 * (size + bytes) <= room) return
    this.#table.keep(await this.#options.existing(this.#table.ids))
    await this.#rewrite()
    if (2 * ((await this.bytes()) + bytes) <= room) return
    throw new Error(`no room to write down more replays in ${this.#options.path}: DLQ_TOTAL_MAX_BYTES is used up`)
  }

  async #rewrite(): Promise<void> {
    const { path, draft } = this.#options
    await unlink(draft).catch(undefinedIfMissing)
    const lines = [nameLine(), ...this.#table.lines().map((line) => Buffer.from(`${JSON.stringify(line)}\n`))]
    {
      await using file = await openOwn(draft, 'make')
      await appendWhole(file, lines, true)
    }
    await rename(draft, path)
    await this.read()
  }

  #forget(name: string): void {
    this.#file = name
    this.#readTo = 0
    this.#table = new MarkTable()
  }
}

function nameLine(): Buffer {
  return Buffer.from(`{"file":"${crypto.randomUUID()}"}\n`)
}

async function nameOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(nameBytes), 0, nameBytes, 0)
  return buffer.toString('latin1', 0, bytesRead)
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}
