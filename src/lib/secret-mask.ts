/** Keeps secrets out of what leaves the process: wherever a known value stands, there stands `***` instead. */
import { JobError } from '../errors.ts'
import { type JsonToken, mapTokens } from './json-tokens.ts'
import { maskedPieces } from './mask-stream.ts'
import type { Script, SecretSet } from './secret-set.ts'
import { type Span, united } from './spans.ts'

/** What stands for a secret. */
const stars = '***'

/** Stars beside what was left may be a secret again that has stars in it. What needs more turns is masked whole. */
const mostTurns = 3

/** What in JSON is left as it is, as the worker's own: nothing, keys, or all but strings. */
export type Spared = 'nothing' | 'keys' | 'keys and numbers'

/** Replaces what is secret. */
export interface Mask {
  /** JSON as JSON.stringify writes it, masked in its strings, keys and numbers; the same text when nothing is found. */
  json(text: string, spared?: Spared): string
  /** Any text; the same one when nothing is found. */
  text(text: string): string
  /** Text in UTF-8, or bytes of any other kind; the same object when nothing is found. */
  bytes(bytes: Uint8Array): Uint8Array
  /**
   * Bytes that come in pieces, as if they came whole. What would show a secret again that has stars in it, after three
   * turns, is not given: it ends with PERMISSION_DENIED.
   */
  stream(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** What JSON can hold, nested no deeper than JSON.stringify goes; the same object when nothing is found. */
  data<T extends object>(data: T, spared?: Spared): T
}

/** What is masked for whom. */
export interface Masks {
  /** For those who run the process: masks every configured secret. */
  readonly mask: Mask
  /**
   * For a tenant: masks the secrets that it may use, whatever else there is: to mask others would tell it when it has
   * guessed one. What becomes known later is masked too.
   */
  maskFor(tenantId: string): Mask
}

/** Knows no secret. */
export const noMask: Mask = {
  json: (text) => text,
  text: (text) => text,
  bytes: (bytes) => bytes,
  stream: (pieces) => pieces,
  data: (data) => data,
}

/** Masks what is in the sets that it asks for each time. While they know nothing, it costs nothing. */
export class SecretMask implements Mask {
  readonly #sets: () => readonly SecretSet[]

  constructor(sets: () => readonly SecretSet[]) {
    this.#sets = sets
  }

  json(text: string, spared: Spared = 'nothing'): string {
    const places = this.#places(text)
    if (places.length === 0) return text
    return mapTokens(text, places, (token) => (isSpared(token, spared) ? token.text : this.#maskedToken(token)))
  }

  text(text: string): string {
    return this.#masked(text, 'text')
  }

  bytes(bytes: Uint8Array): Uint8Array {
    if (this.#knowsNothing) return bytes
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const result = this.#masked(text, 'bytes')
    return result === text ? bytes : Buffer.from(result, 'latin1')
  }

  stream(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (this.#knowsNothing) return pieces
    const places = (text: string): readonly Span[] => this.#places(text, 'bytes')
    const longest = (): number => Math.max(...this.#sets().map((set) => set.longest))
    const masked = (from: AsyncIterable<Uint8Array>, find = places): AsyncIterable<Uint8Array> =>
      maskedPieces(from, { places: find, longest, stars })
    if (!this.#hasStars) return masked(pieces)
    let left = pieces
    for (let turn = 0; turn < mostTurns; turn++) left = masked(left)
    return masked(left, (text) => none(places(text)))
  }

  data<T extends object>(data: T, spared?: Spared): T {
    if (this.#knowsNothing) return data
    const text = JSON.stringify(data)
    const result = this.json(text, spared)
    // Strings in place of other strings or numbers; whoever hands in more than JSON gets what JSON makes of it.
    return result === text ? data : (JSON.parse(result) as T)
  }

  get #hasStars(): boolean {
    return this.#sets().some(({ hasStars }) => hasStars)
  }

  get #knowsNothing(): boolean {
    return this.#sets().every(({ isEmpty }) => isEmpty)
  }

  #maskedToken({ kind, text }: JsonToken): string {
    if (kind === 'number') return this.#places(text).length === 0 ? text : `"${stars}"`
    // What stands in quotes is a string. It is masked by what it means, so that no escape is cut in two.
    const value = text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1)
    const result = this.#masked(value, 'text')
    return result === value ? text : JSON.stringify(result)
  }

  #masked(text: string, script: Script): string {
    const turns = this.#hasStars ? mostTurns : 1
    let left = text
    for (let turn = 0; turn < turns; turn++) {
      const places = this.#places(left, script)
      if (places.length === 0) return left
      left = replaced(left, places)
    }
    return turns === 1 || this.#places(left, script).length === 0 ? left : stars
  }

  #places(text: string, script: Script = 'text'): readonly Span[] {
    return united(this.#sets().map((set) => set.places(text, script)))
  }
}

function none(places: readonly Span[]): readonly Span[] {
  if (places.length === 0) return places
  throw new JobError('PERMISSION_DENIED', 'A secret in the content cannot be masked', { retry: 'never' })
}

function isSpared({ kind }: JsonToken, spared: Spared): boolean {
  if (kind === 'string') return false
  return spared === 'keys and numbers' || (spared === 'keys' && kind === 'key')
}

function replaced(text: string, places: readonly Span[]): string {
  let result = ''
  let copied = 0
  for (const { start, end } of places) {
    result += text.slice(copied, start) + stars
    copied = end
  }
  return result + text.slice(copied)
}
