/** Secrets that are looked for together. */
import { BoundedMap } from './bounded-map.ts'
import type { Clock } from './clock.ts'
import { NeedleSearch, shortestNeedle } from './needle-search.ts'
import { writtenForms } from './secret-forms.ts'
import type { Span } from './spans.ts'

/** The fewest characters a configured secret may have: a shorter one stands in any text by chance. */
export const shortestSecret = shortestNeedle

/** Text, or bytes that were read as Latin-1. */
export type Script = 'text' | 'bytes'

/** Finds secrets in whatever form they stand. */
export interface SecretSet {
  readonly isEmpty: boolean
  /** Whether there ever was one with a star in it: others stand in no text that they were replaced in with stars. */
  readonly hasStars: boolean
  /** How long the longest form of any of them is or has been, in bytes. */
  readonly longest: number
  /** All their places in order, those that overlap put together. */
  places(text: string, script: Script): readonly Span[]
}

/** Makes what it takes to look for these values once it is needed. */
class Searches {
  #text: NeedleSearch | undefined
  #bytes: NeedleSearch | undefined

  /** `forms`: all of each secret. */
  places(forms: () => readonly ReadonlySet<string>[], text: string, script: Script): readonly Span[] {
    return (script === 'text' ? this.#forText(forms) : this.#forBytes(forms)).places(text)
  }

  #forText(forms: () => readonly ReadonlySet<string>[]): NeedleSearch {
    this.#text ??= new NeedleSearch(distinct(forms()))
    return this.#text
  }

  #forBytes(forms: () => readonly ReadonlySet<string>[]): NeedleSearch {
    if (this.#bytes !== undefined) return this.#bytes
    const needles = distinct(forms())
    // In ASCII a text and its bytes look the same.
    this.#bytes = needles.every(isAscii) ? this.#forText(forms) : new NeedleSearch(needles.map(asLatin1))
    return this.#bytes
  }
}

function distinct(forms: readonly ReadonlySet<string>[]): readonly string[] {
  return [...new Set(forms.flatMap((set) => [...set]))]
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function longestOf(forms: ReadonlySet<string>): number {
  return Math.max(...[...forms].map((form) => Buffer.byteLength(form)))
}

/** Secrets that somebody configured: never forgotten. */
export class LastingSecrets implements SecretSet {
  /** With their forms. */
  readonly #values = new Map<string, ReadonlySet<string>>()
  #searches = new Searches()
  #hasStars = false
  #longest = 0

  get longest(): number {
    return this.#longest
  }

  get hasStars(): boolean {
    return this.#hasStars
  }

  get isEmpty(): boolean {
    return this.#values.size === 0
  }

  /** One of fewer than `shortestSecret` characters is ignored. */
  add(value: string): void {
    if (value.length < shortestSecret || this.#values.has(value)) return
    const forms = writtenForms(value)
    this.#values.set(value, forms)
    this.#hasStars ||= value.includes('*')
    this.#longest = Math.max(this.#longest, longestOf(forms))
    this.#searches = new Searches()
  }

  places(text: string, script: Script): readonly Span[] {
    return this.isEmpty ? [] : this.#searches.places(() => [...this.#values.values()], text, script)
  }
}

/** How many values met at run time are kept, how many characters they have together, and for how long after their last use. */
export interface LearnedBounds {
  readonly maxEntries: number
  readonly maxSize: number
  readonly maxAgeMs: number
}

/** Secrets met at run time: those longest not used are forgotten. */
export class LearnedSecrets implements SecretSet {
  /** With their forms. */
  readonly #values: BoundedMap<string, ReadonlySet<string>>
  #searches = new Searches()
  #hasStars = false
  #longest = 0

  constructor(bounds: LearnedBounds, clock: Clock) {
    this.#values = new BoundedMap(bounds, clock)
  }

  get hasStars(): boolean {
    return this.#hasStars
  }

  get isEmpty(): boolean {
    return this.#values.length === 0
  }

  get longest(): number {
    return this.#longest
  }

  /** The characters of all that are known. */
  get size(): number {
    return this.#values.size
  }

  /** Notes that a value is used. It must have at least `shortestSecret` characters. */
  learn(value: string): void {
    const known = this.#values.get(value)
    const forms = known ?? writtenForms(value)
    this.#values.set(value, forms, value.length)
    this.#hasStars ||= value.includes('*')
    if (known !== undefined) return
    this.#longest = Math.max(this.#longest, longestOf(forms))
    this.#searches = new Searches()
  }

  places(text: string, script: Script): readonly Span[] {
    return this.isEmpty ? [] : this.#searches.places(() => this.#forms(), text, script)
  }

  #forms(): readonly ReadonlySet<string>[] {
    return [...this.#values.keys()].flatMap((value) => this.#values.get(value) ?? [])
  }
}
