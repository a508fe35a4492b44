import { JobError } from '../../errors.ts'
import { codingsOf, decompressed } from './decompression.ts'
import { incomplete, tooLarge, undecodable } from './request-failure.ts'

/** What is used of the reader of a body. */
export type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>

/** How a body is to be read. */
export interface Reading {
  /** For the details of errors. */
  readonly host: string
  /** Bytes, before and after decompression. */
  readonly limit: number
  /** Ends the decompression, which else would go on with what it has been given. */
  readonly signal: AbortSignal
  /** Told the reader as soon as there is one: it has to be cancelled before the request is aborted. */
  readonly onReader: (reader: Reader) => void
}

/** A body with the headers that fit it. */
export interface Body {
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A body as it arrives, with the headers that fit it. */
interface BodyPieces {
  readonly headers: Headers
  readonly pieces: AsyncIterable<Uint8Array>
}

/**
 * Reads a whole body and decompresses it; one in an unknown coding is left as it is. Rejects with HTTP_REQUEST_FAILED
 * when it is cut off or cannot be decompressed, and with QUOTA_EXCEEDED as soon as it is larger than the limit.
 *
 * What cannot be seen: a body without length and chunks ends where the connection does, and the runtime does not tell
 * a connection that was reset from one that was closed in order. Such a body may have been cut off.
 */
export async function readBody(response: Response, reading: Reading): Promise<Body> {
  const { headers } = response
  const size = headers.get('content-length')
  // With both the length means nothing, and nobody counts.
  const isSized = size !== null && !headers.has('transfer-encoding')
  if (isSized && Number(size) <= reading.limit && codingsOf(headers)?.length === 0) {
    return { headers, body: await wholeBody(response, reading.host) }
  }
  const { headers: fitting, pieces } = bodyPieces(response, reading)
  return { headers: fitting, body: await joined(pieces) }
}

/** The same, piece by piece; also rejects when the signal aborts. Throws QUOTA_EXCEEDED when it says that it is too large. */
export function bodyPieces(response: Response, { host, limit, signal, onReader }: Reading): BodyPieces {
  const { headers, body: stream } = response
  if (stream === null) return { headers, pieces: nothing() }
  if (Number(headers.get('content-length')) > limit) throw tooLarge(host, limit)
  const reader: Reader = stream.getReader()
  onReader(reader)
  const within = (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => limited(chunks, host, limit)
  const received = within(chunksOf(reader, host, signal))
  const codings = codingsOf(headers) ?? []
  if (codings.length === 0) return { headers, pieces: received }
  const pieces = decodable(decompressed(received, codings, { within, signal }), host)
  return { headers: ofDecompressed(headers), pieces }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* decodable(pieces: AsyncIterable<Uint8Array>, host: string): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces
  } catch (thrown) {
    throw thrown instanceof JobError ? thrown : undecodable(thrown, host)
  }
}

async function wholeBody(response: Response, host: string): Promise<Uint8Array> {
  try {
    return await response.bytes()
  } catch (thrown) {
    throw incomplete(thrown, host)
  }
}

async function* chunksOf(reader: Reader, host: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const { done, value } = await reader.read()
      // Whoever is cancelled is told that this was the end.
      signal.throwIfAborted()
      if (done) return
      yield value
    }
  } catch (thrown) {
    throw incomplete(thrown, host)
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

async function* limited(chunks: AsyncIterable<Uint8Array>, host: string, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > limit) throw tooLarge(host, limit)
    yield chunk
  }
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Bun.concatArrayBuffers(parts, Number.POSITIVE_INFINITY, true)
}

function ofDecompressed(headers: Headers): Headers {
  const left = new Headers(headers)
  left.delete('content-encoding')
  left.delete('content-length')
  return left
}
