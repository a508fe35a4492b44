import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'

/** A compression that is undone; takes the first bytes, for some speak in two dialects. */
type Coding = (first: Uint8Array) => Transform

const gzip: Coding = () => createGunzip()

const codings: ReadonlyMap<string, Coding> = new Map([
  ['gzip', gzip],
  ['x-gzip', gzip],
  // Meant to be the zlib format; some servers send what is inside of it only.
  ['deflate', (first: Uint8Array) => (((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw())],
  ['br', () => createBrotliDecompress()],
  ['zstd', () => createZstdDecompress()],
])

/** Nobody compresses more often than this in earnest. */
const mostCodings = 2

/** What a coding may take in beyond eight times what it has given: only what is made to keep it busy takes more. */
const mostIdleBytes = 1_048_576
const mostShrinking = 8

interface Decompressing {
  /** Keeps each stage within the limits of a body. */
  readonly within: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  /** Ends all of it at once. */
  readonly signal: AbortSignal
}

/** What may be asked for with `accept-encoding`. */
export const acceptEncoding = 'gzip, deflate, br, zstd'

/** What was done to a body, first thing first; undefined when it cannot all be undone. */
export function codingsOf(headers: Headers): readonly Coding[] | undefined {
  const text = headers.get('content-encoding')
  if (text === null) return []
  const names = text.toLowerCase().split(',')
  const named = names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
  const known = named.map((name) => codings.get(name)).filter((coding) => coding !== undefined)
  return known.length === named.length && known.length <= mostCodings ? known : undefined
}

/**
 * The body as it was before, piece by piece: no more is decompressed than is asked for. Throws what the zlib streams
 * throw, what `chunks` and `within` throw, and an Error where much becomes next to nothing. Nothing at all stays nothing.
 */
export function decompressed(
  chunks: AsyncIterable<Uint8Array>,
  done: readonly Coding[],
  { within, signal }: Decompressing,
): AsyncIterable<Uint8Array> {
  return done.reduceRight((pieces, coding) => within(undone(pieces, coding, signal)), chunks)
}

async function* undone(
  chunks: AsyncIterable<Uint8Array>,
  coding: Coding,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]()
  const first = await source.next()
  if (first.done === true) return
  const decoder = coding(first.value)
  const progress = { taken: first.value.length, given: 0 }
  const fed = pipeline(rejoined(first.value, source, progress), decoder, { signal })
  // It also rejects when the reader has had enough, which is no failure; real ones end the decoder as well.
  fed.catch(() => undefined)
  const pieces: AsyncIterable<Uint8Array> = decoder
  for await (const piece of pieces) {
    progress.given += piece.length
    yield piece
  }
}

async function* rejoined(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  progress: { taken: number; readonly given: number },
): AsyncGenerator<Uint8Array> {
  try {
    yield first
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      const most = mostIdleBytes + mostShrinking * progress.given
      if (progress.taken > most) throw new Error('Next to nothing comes of it')
      progress.taken += next.value.length
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}
