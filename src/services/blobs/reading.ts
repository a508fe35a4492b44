import { JobError } from '../../errors.ts'
import type { NotedFile } from './blob-view.ts'
import type { BlobInfo, BlobRange, BlobReading } from './blobs.ts'
import { fileFailure } from './file-failure.ts'

const pieceBytes = 64 * 1024

/** A blob held open. */
export class Reading implements BlobReading {
  readonly info: BlobInfo
  readonly range: { readonly start: number; readonly end: number }
  readonly #noted: NotedFile
  readonly #signal: AbortSignal

  /** Throws INVALID_INPUT when the range begins behind the end. The file is disposed with the reading. */
  constructor(noted: NotedFile, info: BlobInfo, range: BlobRange | undefined, signal: AbortSignal) {
    this.info = info
    this.range = within(info.size, range)
    this.#noted = noted
    this.#signal = signal
  }

  async bytes(limit: number): Promise<Uint8Array> {
    const length = this.range.end - this.range.start
    if (length > limit) throw tooLong(limit)
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; )
      at += await this.#read(bytes.subarray(at, at + pieceBytes * 4), this.range.start + at)
    return bytes
  }

  async *stream(): AsyncIterable<Uint8Array> {
    const { start, end } = this.range
    for (let at = start; at < end; ) {
      const piece = new Uint8Array(Math.min(pieceBytes, end - at))
      const length = await this.#read(piece, at)
      yield piece.subarray(0, length)
      at += length
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#noted[Symbol.asyncDispose]()
  }

  async #read(into: Uint8Array, position: number): Promise<number> {
    this.#signal.throwIfAborted()
    const { handle } = this.#noted.file
    try {
      const { bytesRead } = await handle.read(into, 0, into.length, position)
      if (bytesRead > 0) return bytesRead
    } catch (error) {
      throw fileFailure(error, 'read')
    }
    throw new JobError('DATA_CORRUPT', 'The blob was cut short while it was read', { details: { reason: 'short' } })
  }
}

function within(size: number, { start, end = size }: BlobRange = { start: 0 }): { start: number; end: number } {
  if (start > size || end < start) {
    throw new JobError('INVALID_INPUT', 'The range lies outside the blob', { details: { field: 'range', size } })
  }
  return { start, end: Math.min(end, size) }
}

function tooLong(limit: number): JobError {
  return new JobError('QUOTA_EXCEEDED', 'The blob is larger than may be read at once', {
    details: { reason: 'blob', limit },
  })
}
