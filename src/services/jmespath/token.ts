/** The words of an expression. */
import { compileError } from './jmespath-error.ts'
import type { Json } from './json-value.ts'

/** One word: an operator's `kind` is its own text. `at` counts UTF-16 units from 0. */
export type Token =
  | { readonly kind: 'identifier' | 'quoted' | 'variable'; readonly at: number; readonly name: string }
  | { readonly kind: 'literal'; readonly at: number; readonly value: Json }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: Operator | 'end'; readonly at: number }

/** Every operator, none after one that it begins with. */
const operators = [
  ...['[?', '[]', '||', '&&', '==', '!=', '<=', '>=', '//'],
  ...[
    '.',
    '*',
    ',',
    ':',
    '@',
    '&',
    '|',
    '!',
    '<',
    '>',
    '=',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '?',
    '$',
    '+',
    '-',
    '/',
    '%',
  ],
] as const
type Operator = (typeof operators)[number]

/** Signs that are written otherwise on a keyboard. */
const otherSpellings: Readonly<Record<string, Operator>> = { '×': '*', '÷': '/', '−': '-' }

const operatorSet: ReadonlyMap<string, Operator> = new Map(operators.map((operator) => [operator, operator]))

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_'

/** How a word goes on, by what it begins with; everything else is an operator. */
const words = [
  { kind: 'space', begin: ' \t\r\n', pattern: /[ \t\r\n]+/y },
  { kind: 'identifier', begin: letters, pattern: /\w+/y },
  { kind: 'variable', begin: '$', pattern: /\$[A-Za-z_]\w*/y },
  { kind: 'number', begin: '0123456789', pattern: /\d+/y },
  { kind: 'quoted', begin: '"', pattern: /"[^"\\]*(?:\\.[^"\\]*)*"/sy },
  { kind: 'raw', begin: "'", pattern: /'[^'\\]*(?:\\.[^'\\]*)*'/sy },
  { kind: 'literal', begin: '`', pattern: /`[^`\\]*(?:\\.[^`\\]*)*`/sy },
] as const

type Word = (typeof words)[number]

const wordByBegin: ReadonlyMap<string, Word> = new Map(
  words.flatMap((word) => Array.from(word.begin, (letter) => [letter, word] as const)),
)

/** Cuts an expression into its words, the last of which is `end`. Throws JMESPATH_COMPILE_ERROR. */
export function tokensOf(expression: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < expression.length) {
    const word = wordByBegin.get(expression.charAt(at))
    const text = word === undefined ? undefined : textAt(expression, at, word.pattern)
    if (word === undefined || text === undefined) {
      const operator = operatorAt(expression, at)
      tokens.push({ kind: otherSpellings[operator] ?? operatorSet.get(operator) ?? 'end', at })
      at += operator.length
    } else {
      if (word.kind !== 'space') tokens.push(tokenOf(word.kind, text, at))
      at += text.length
    }
  }
  tokens.push({ kind: 'end', at: expression.length })
  return tokens
}

function textAt(expression: string, at: number, pattern: RegExp): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(expression)?.[0]
}

function tokenOf(kind: Exclude<Word['kind'], 'space'>, text: string, at: number): Token {
  switch (kind) {
    case 'identifier':
      return { kind, at, name: text }
    case 'variable':
      return { kind, at, name: text.slice(1) }
    case 'number':
      return { kind, at, value: Number(text) }
    case 'quoted':
      return { kind, at, name: unquoted(text, at) }
    case 'raw':
      return { kind: 'literal', at, value: text.slice(1, -1).replaceAll(/\\(['\\])/g, '$1') }
    case 'literal':
      return { kind, at, value: json(withoutEscapedTicks(text), at) }
    default:
      return kind satisfies never
  }
}

/** The operator there. Throws JMESPATH_COMPILE_ERROR when there is none. */
function operatorAt(expression: string, at: number): string {
  const [two, one] = [expression.slice(at, at + 2), expression.charAt(at)]
  if (operatorSet.has(two)) return two
  if (operatorSet.has(one) || Object.hasOwn(otherSpellings, one)) return one
  throw compileError(at, faultAt(expression, at))
}

function withoutEscapedTicks(literal: string): string {
  return literal.slice(1, -1).replaceAll(/\\(.)/gs, (pair, escaped) => (escaped === '`' ? '`' : pair))
}

function json(written: string, at: number): Json {
  try {
    // JSON.parse gives JSON data.
    return JSON.parse(written) as Json
  } catch {
    throw compileError(at, 'not JSON')
  }
}

/** What stands between quotes is text. */
function unquoted(quoted: string, at: number): string {
  const value = json(quoted, at)
  return typeof value === 'string' ? value : ''
}

function faultAt(expression: string, at: number): string {
  return /["'`]/.test(expression.charAt(at)) ? 'without an end' : 'unknown character'
}
