/** Keeps secrets out of what leaves the process: wherever a known value stands, there stands `***` instead. */
import { mapTokens } from './json-tokens.ts'
import { NeedleSearch, type Span, shortestNeedle } from './needle-search.ts'
import { writtenForms } from './secret-forms.ts'

/** What stands for a secret. */
const stars = '***'

/** The fewest characters a secret may have: a shorter one stands in any text by chance. */
export const shortestSecret = shortestNeedle

/** Values met at run time come from outside: a short one might be any word. */
const shortestLearned = 8
/** No server takes more in a header. */
const longestLearned = 16_384
const mostLearned = { values: 1000, characters: 1_000_000 }
/** Forgotten together, as each time the search is made anew. */
const forgottenAtOnce = 50

/** Stars beside what was left may be a secret again, if that has stars in it. What needs more turns is masked whole. */
const mostTurns = 8

/** Replaces what is secret. */
export interface Mask {
  /** JSON as JSON.stringify writes it, masked in its strings, keys and numbers; the same text when nothing is found. */
  json(text: string): string
  /** Any text; the same one when nothing is found. */
  text(text: string): string
  /** Text in UTF-8, or bytes of any other kind; the same object when nothing is found. */
  bytes(bytes: Uint8Array): Uint8Array
  /** What JSON can hold, nested no deeper than JSON.stringify goes; the same object when nothing is found. */
  data<T extends object>(data: T): T
}

/** Knows no secret. */
export const noMask: Mask = {
  json: (text) => text,
  text: (text) => text,
  bytes: (bytes) => bytes,
  data: (data) => data,
}

/** Knows secrets, also in base64, percent-encoded and as JSON writes them. While it knows none, it costs nothing. */
export class SecretMask implements Mask {
  /** Values, and the forms in which they are looked for. */
  readonly #added = new Map<string, ReadonlySet<string>>()
  /** Oldest first. */
  readonly #learned = new Map<string, ReadonlySet<string>>()
  #learnedCharacters = 0
  #searches: Searches | undefined

  /** A configured value, never forgotten. It must have at least `shortestSecret` characters, else it is ignored. */
  add(value: string): void {
    if (value.length < shortestSecret || this.#added.has(value)) return
    const forms = writtenForms(value)
    this.#added.set(value, forms)
    this.#lookFor(forms)
  }

  /**
   * A value met at run time, such as a token: the newest 1,000 are kept, or fewer where they have more than a million
   * characters. One of fewer than 8 or more than 16,384 characters is ignored.
   */
  learn(value: string): void {
    if (value.length < shortestLearned || value.length > longestLearned) return
    const known = this.#learned.get(value)
    const forms = known ?? writtenForms(value)
    this.#learned.delete(value)
    this.#learned.set(value, forms)
    if (known !== undefined) return
    this.#lookFor(forms)
    this.#learnedCharacters += value.length
    while (this.#learned.size > mostLearned.values || this.#learnedCharacters > mostLearned.characters) this.#forget()
  }

  json(text: string): string {
    const search = this.#search('text')
    return search?.find(text) === undefined ? text : mapTokens(text, (token) => maskedToken(token, search))
  }

  text(text: string): string {
    const search = this.#search('text')
    return search === undefined ? text : masked(text, search)
  }

  bytes(bytes: Uint8Array): Uint8Array {
    const search = this.#search('bytes')
    if (search === undefined) return bytes
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const result = masked(text, search)
    return result === text ? bytes : Buffer.from(result, 'latin1')
  }

  data<T extends object>(data: T): T {
    if (this.#search('text') === undefined) return data
    const text = JSON.stringify(data)
    const result = this.json(text)
    // Strings in place of other strings or numbers; whoever hands in more than JSON gets what JSON makes of it.
    return result === text ? data : (JSON.parse(result) as T)
  }

  #lookFor(forms: ReadonlySet<string>): void {
    const { text, bytes } = this.#searches ?? {}
    const added = [...forms].every((form) => text?.add(form) && bytes?.add(asLatin1(form)))
    if (!added) this.#searches = undefined
  }

  #forget(): void {
    for (const value of [...this.#learned.keys()].slice(0, forgottenAtOnce)) {
      this.#learned.delete(value)
      this.#learnedCharacters -= value.length
    }
    this.#searches = undefined
  }

  /** Undefined while nothing is known. */
  #search(kind: keyof Searches): NeedleSearch | undefined {
    if (this.#added.size + this.#learned.size === 0) return undefined
    this.#searches ??= searchesFor([...this.#added.values(), ...this.#learned.values()])
    return this.#searches[kind]
  }
}

interface Searches {
  readonly text: NeedleSearch
  /** For bytes that were read as Latin-1. */
  readonly bytes: NeedleSearch
}

function searchesFor(forms: readonly ReadonlySet<string>[]): Searches {
  const needles = forms.flatMap((set) => [...set])
  return { text: new NeedleSearch(needles), bytes: new NeedleSearch(needles.map(asLatin1)) }
}

function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function masked(text: string, search: NeedleSearch): string {
  let left = text
  for (let turn = 0; turn < mostTurns; turn++) {
    const first = search.find(left)
    if (first === undefined) return left
    left = replaced(left, first, search)
  }
  return search.find(left) === undefined ? left : stars
}

/** What overlaps is replaced as one, so that no end of a secret is left. */
function replaced(text: string, first: Span, search: NeedleSearch): string {
  let result = ''
  let copied = 0
  let hit: Span | undefined = first
  while (hit !== undefined) {
    let { start, end }: Span = hit
    hit = search.find(text, start + 1)
    while (hit !== undefined && hit.start < end) {
      end = Math.max(end, hit.end)
      hit = search.find(text, hit.start + 1)
    }
    result += text.slice(copied, start) + stars
    copied = end
  }
  return result + text.slice(copied)
}

function maskedToken(token: string, search: NeedleSearch): string {
  if (!token.startsWith('"')) return search.find(token) === undefined ? token : `"${stars}"`
  // What stands in quotes is a string. It is masked by what it means, so that no escape is cut in two.
  const value = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
  const result = masked(value, search)
  return result === value ? token : JSON.stringify(result)
}
