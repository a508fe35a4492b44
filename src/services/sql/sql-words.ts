/** The words of a text in SQL: what stands outside comments, strings and quoted names. */

/** What the words of a text tell. */
export interface SqlWords {
  /** In lower case and in order, with `(` and `;` among them; other signs, numbers and whatever is quoted are left out. */
  readonly words: readonly string[]
  /** The highest n of any `$n`; 0 without one. */
  readonly parameters: number
}

/** Where a piece ends that begins at `at`, or undefined when none of its kind does. */
type Piece = (text: string, at: number) => number | undefined

const parameter = matching(/\$\d+/y)
const word = matching(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y)

/** In the order in which they are tried. */
const skipped: readonly Piece[] = [
  matching(/[ \t\r\n\f\v]+/y),
  matching(/--[^\r\n]*/y),
  blockComment,
  escapedString,
  (text, at) => (text[at] === "'" ? quotedEnd(text, at + 1, "'") : undefined),
  (text, at) => (text[at] === '"' ? quotedEnd(text, at + 1, '"') : undefined),
  dollarQuoted,
  matching(/\d[\w.]*/y),
]

/** Reads a text as PostgreSQL does with standard strings; what is not closed goes on to the end. Linear. */
export function sqlWords(text: string): SqlWords {
  const words: string[] = []
  let parameters = 0
  let at = 0
  while (at < text.length) {
    const skippedTo = firstEnd(skipped, text, at)
    if (skippedTo !== undefined) {
      at = skippedTo
      continue
    }
    const afterParameter = parameter(text, at)
    if (afterParameter !== undefined) parameters = Math.max(parameters, Number(text.slice(at + 1, afterParameter)))
    const afterWord = word(text, at)
    const end = afterParameter ?? afterWord ?? at + 1
    const token = text.slice(at, end)
    if (afterWord !== undefined || token === '(' || token === ';') words.push(token.toLowerCase())
    at = end
  }
  return { words, parameters }
}

function firstEnd(pieces: readonly Piece[], text: string, at: number): number | undefined {
  for (const piece of pieces) {
    const end = piece(text, at)
    if (end !== undefined) return end
  }
  return undefined
}

function matching(pattern: RegExp): Piece {
  return (text, at) => {
    pattern.lastIndex = at
    return pattern.test(text) ? pattern.lastIndex : undefined
  }
}

/** Comments of this kind hold others. */
function blockComment(text: string, at: number): number | undefined {
  if (!text.startsWith('/*', at)) return undefined
  const edge = /\/\*|\*\//g
  edge.lastIndex = at
  let depth = 0
  for (let found = edge.exec(text); found !== null; found = edge.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
  return text.length
}

/** The end of what a quote closes, in which a quote is written twice. */
function quotedEnd(text: string, from: number, quote: string): number {
  let at = text.indexOf(quote, from)
  while (at !== -1 && text[at + 1] === quote) at = text.indexOf(quote, at + 2)
  return at === -1 ? text.length : at + 1
}

/** A string goes on in its kind when the next one stands on a later line. */
const continuation = matching(/[ \t\f\v]*(?:--[^\r\n]*)?[\r\n](?:[ \t\r\n\f\v]|--[^\r\n]*[\r\n])*'/y)

/** E'…', in which a backslash takes the next character with it. */
function escapedString(text: string, at: number): number | undefined {
  if (text[at + 1] !== "'" || text[at]?.toLowerCase() !== 'e') return undefined
  const edge = /['\\]/g
  edge.lastIndex = at + 2
  for (let found = edge.exec(text); found !== null; found = edge.exec(text)) {
    const next = found.index + 1
    if (found[0] === '\\' || text[next] === "'") {
      edge.lastIndex = next + 1
      continue
    }
    const goesOn = continuation(text, next)
    if (goesOn === undefined) return next
    edge.lastIndex = goesOn
  }
  return text.length
}

const dollarTag = matching(/\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y)

function dollarQuoted(text: string, at: number): number | undefined {
  const opened = dollarTag(text, at)
  if (opened === undefined) return undefined
  const tag = text.slice(at, opened)
  const closing = text.indexOf(tag, opened)
  return closing === -1 ? text.length : closing + tag.length
}
