/** A file that is written before it has its name. */
import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { JobError } from '../../errors.ts'
import { abortable } from '../fetch/abortable.ts'
import { type FileVersion, versionOf } from './blob-file.ts'
import { orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { temporaryName } from './own-names.ts'
import type { Reservation } from './usage.ts'

/** What a blob is made of. */
export type Content = AsyncIterable<Uint8Array> | Uint8Array

/** What was written. */
export interface Written {
  readonly version: FileVersion
  /** In hexadecimal. */
  readonly sha256: string
}

interface WriteOptions {
  readonly maxBytes: number
  readonly room: Reservation
  readonly signal: AbortSignal
}

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
/** So much is hashed and written at once: a larger piece would keep other work waiting, smaller ones cost more. */
const pieceBytes = 256 * 1024
const smallBytes = 64 * 1024

/** A file in a folder, under a name of its own until it is put in place; disposing removes it unless it was. */
export class TemporaryFile implements AsyncDisposable {
  readonly name: string
  readonly #folder: Folder
  readonly #handle: FileHandle
  #finishing: Promise<void> | undefined
  #isInPlace = false

  private constructor(folder: Folder, name: string, handle: FileHandle) {
    this.#folder = folder
    this.name = name
    this.#handle = handle
  }

  /** Makes an empty one for the process of this mark. Rejects with the system's error. */
  static async create(folder: Folder, mark: string): Promise<TemporaryFile> {
    const name = temporaryName(mark)
    const file = new TemporaryFile(folder, name, await open(folder.at(name), flags, 0o600))
    try {
      await folder.confirm()
      return file
    } catch (error) {
      await file[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Writes all of it. Rejects with QUOTA_EXCEEDED, the signal's reason, the content's error or the system's. */
  async write(content: Content, { maxBytes, room, signal }: WriteOptions): Promise<Written> {
    const hash = new Bun.CryptoHasher('sha256')
    let size = 0
    for await (const piece of content instanceof Uint8Array ? slices(content) : gathered(content, signal)) {
      signal.throwIfAborted()
      size += piece.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      room.grow(piece.length)
      hash.update(piece)
      await writeWhole(this.#handle, piece)
    }
    signal.throwIfAborted()
    const version = versionOf(await this.#handle.stat({ bigint: true }))
    return { version, sha256: hash.digest('hex') }
  }

  /** Has what was written survive a loss of power. Nothing can be written afterwards. */
  finish(): Promise<void> {
    this.#finishing ??= this.#finish()
    return this.#finishing
  }

  /** It has its lasting name and no other. */
  isInPlace(): void {
    this.#isInPlace = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finishing ??= this.#handle.close()
    // Whoever finished it knows how that ended.
    await this.#finishing.catch(() => undefined)
    if (!this.#isInPlace) await orMissing(unlink(this.#folder.at(this.name)))
  }

  async #finish(): Promise<void> {
    try {
      await this.#handle.sync()
    } finally {
      await this.#handle.close()
    }
  }
}

/** QUOTA_EXCEEDED for a blob of more than so many bytes. */
export function tooLarge(limit: number): JobError {
  return new JobError('QUOTA_EXCEEDED', 'The blob is larger than blobs may be', { details: { reason: 'blob', limit } })
}

async function* slices(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** The pieces, small ones put together. Each is done with before the next one is asked for. */
async function* gathered(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const buffer = Buffer.allocUnsafe(smallBytes)
  let held = 0
  for await (const chunk of stoppable(content, signal)) {
    if (held > 0 && held + chunk.length > smallBytes) {
      yield buffer.subarray(0, held)
      held = 0
    }
    if (chunk.length >= smallBytes) yield* slices(chunk)
    else {
      buffer.set(chunk, held)
      held += chunk.length
    }
  }
  if (held > 0) yield buffer.subarray(0, held)
}

/** Ends with the signal, whatever the source does then. */
async function* stoppable(content: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const source = content[Symbol.asyncIterator]()
  let isDone = false
  try {
    for (;;) {
      const next = await abortable(source.next(), signal)
      isDone = next.done === true
      if (next.done) return
      yield next.value
    }
  } finally {
    // A source that does not answer would not answer to this either.
    if (!isDone) source.return?.().catch(() => undefined)
  }
}

async function writeWhole(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length; ) {
    const { bytesWritten } = await handle.write(piece, at, piece.length - at)
    at += bytesWritten
  }
}
