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

const words = {
  space: /[ \t\r\n]+/y,
  identifier: /[A-Za-z_]\w*/y,
  variable: /\$[A-Za-z_]\w*/y,
  number: /\d+/y,
  quoted: /"[^"\\]*(?:\\.[^"\\]*)*"/sy,
  raw: /'[^'\\]*(?:\\.[^'\\]*)*'/sy,
  literal: /`[^`\\]*(?:\\.[^`\\]*)*`/sy,
} as const

/** Cuts an expression into its words, the last of which is `end`. Throws JMESPATH_COMPILE_ERROR. */
export function tokensOf(expression: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const word = pattern.exec(expression)?.[0]
    at += word?.length ?? 0
    return word
  }
  for (;;) {
    take(words.space)
    if (at >= expression.length) return [...tokens, { kind: 'end', at: expression.length }]
    tokens.push(next(expression, at, take))
  }
}

function next(expression: string, at: number, take: (pattern: RegExp) => string | undefined): Token {
  const identifier = take(words.identifier)
  if (identifier !== undefined) return { kind: 'identifier', at, name: identifier }
  const variable = take(words.variable)
  if (variable !== undefined) return { kind: 'variable', at, name: variable.slice(1) }
  const number = take(words.number)
  if (number !== undefined) return { kind: 'number', at, value: Number(number) }
  const quoted = take(words.quoted)
  if (quoted !== undefined) return { kind: 'quoted', at, name: text(quoted, at) }
  const raw = take(words.raw)
  if (raw !== undefined) return { kind: 'literal', at, value: raw.slice(1, -1).replaceAll(/\\(['\\])/g, '$1') }
  const literal = take(words.literal)
  if (literal !== undefined) return { kind: 'literal', at, value: json(withoutEscapedTicks(literal), at) }
  const operator = operatorAt(expression, at)
  if (operator === undefined) throw compileError(at, faultAt(expression, at))
  take(operator.length === 2 ? /../y : /./y)
  return { kind: otherSpellings[operator] ?? operatorSet.get(operator) ?? 'end', at }
}

function operatorAt(expression: string, at: number): string | undefined {
  const [two, one] = [expression.slice(at, at + 2), expression.slice(at, at + 1)]
  if (operatorSet.has(two)) return two
  return operatorSet.has(one) || Object.hasOwn(otherSpellings, one) ? one : undefined
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
function text(quoted: string, at: number): string {
  const value = json(quoted, at)
  return typeof value === 'string' ? value : ''
}

function faultAt(expression: string, at: number): string {
  return /["'`]/.test(expression.charAt(at)) ? 'without an end' : 'unknown character'
}
