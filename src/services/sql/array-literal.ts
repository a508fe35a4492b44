/** The items of an array, or of one of its dimensions, as texts. */
export type ArrayItems = readonly (string | null | ArrayItems)[]

/** PostgreSQL has no arrays of more dimensions. */
const maxDimensions = 6
const bounds = /^(?:\[[+-]?\d+:[+-]?\d+\])+=/

/**
 * The items of an array as a server writes it; bounds other than from 1 are dropped. Undefined when it is no such text.
 * Linear.
 */
export function parseArray(text: string, delimiter: string): ArrayItems | undefined {
  const start = bounds.exec(text)?.[0].length ?? 0
  if (text[start] !== '{') return undefined
  const reader = new Reader(text, delimiter, start)
  const items = reader.list(1)
  return reader.isAtEnd ? items : undefined
}

/** The text of an array. Every item is quoted, so that nothing in it means anything. */
export function writeArray(items: ArrayItems, delimiter: string): string {
  const texts = items.map((item) => {
    if (item === null) return 'NULL'
    return typeof item === 'string' ? `"${item.replaceAll(/["\\]/g, '\\$&')}"` : writeArray(item, delimiter)
  })
  return `{${texts.join(delimiter)}}`
}

class Reader {
  readonly #text: string
  readonly #delimiter: string
  #at: number

  constructor(text: string, delimiter: string, at: number) {
    this.#text = text
    this.#delimiter = delimiter
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  /** Reads from an opening brace to after the closing one. */
  list(dimension: number): ArrayItems | undefined {
    this.#at++
    const items: (string | null | ArrayItems)[] = []
    if (this.#takes('}')) return items
    do {
      const item = this.#item(dimension)
      if (item === undefined) return undefined
      items.push(item)
    } while (this.#takes(this.#delimiter))
    return this.#takes('}') ? items : undefined
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #item(dimension: number): string | null | ArrayItems | undefined {
    const first = this.#text[this.#at]
    if (first === '{') return dimension < maxDimensions ? this.list(dimension + 1) : undefined
    return first === '"' ? this.#quoted() : this.#bare()
  }

  #quoted(): string | undefined {
    const text = this.#text
    const start = this.#at + 1
    let end = start
    let isEscaped = false
    for (; text[end] !== '"'; end++) {
      if (end >= text.length) return undefined
      if (text[end] !== '\\') continue
      isEscaped = true
      end++
    }
    this.#at = end + 1
    const item = text.slice(start, end)
    return isEscaped ? item.replaceAll(/\\(.)/gsu, '$1') : item
  }

  /** Without quotes a server writes only what holds no quote, brace, backslash, white space or delimiter, and NULL. */
  #bare(): string | null | undefined {
    const text = this.#text
    const start = this.#at
    let end = start
    while (end < text.length && text[end] !== this.#delimiter && text[end] !== '}') end++
    this.#at = end
    const item = text.slice(start, end)
    if (item === '') return undefined
    return item === 'NULL' ? null : item
  }
}
