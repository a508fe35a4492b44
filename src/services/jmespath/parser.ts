/** From words to a syntax tree, by operator precedence. */
import { argumentFault } from './functions.ts'
import { compileError } from './jmespath-error.ts'
import { type Calculation, type Comparison, type Entry, isHigherThan, type SyntaxTree } from './syntax-tree.ts'
import { type Token, tokensOf } from './token.ts'

/** The longest expression, in UTF-16 units; one that long is parsed within some milliseconds. */
const longestExpression = 16_384

/** How deep an expression may be nested; chains such as `a.b.c` count as well. */
const deepestExpression = 300

/** How strongly a word binds what stands to its left; what is not listed ends an expression. */
const strengths: ReadonlyMap<Token['kind'], number> = new Map<Token['kind'], number>([
  ['|', 1],
  ['?', 2],
  ['||', 3],
  ['&&', 4],
  ...(['==', '!=', '<', '<=', '>', '>='] as const).map((kind) => [kind, 5] as const),
  ['+', 6],
  ['-', 6],
  ...(['*', '/', '//', '%'] as const).map((kind) => [kind, 7] as const),
  ['[]', 9],
  ['[?', 21],
  ['.', 40],
  ['[', 55],
])

/** A projection takes in what binds at least so strongly; everything weaker is asked of its whole result. */
const endOfProjection = 9

const strength = { pipe: 1, sum: 6, flatten: 9, star: 20, filter: 21, dot: 40, not: 45 } as const

/** The tree of an expression. Throws JMESPATH_COMPILE_ERROR with the position and the reason. */
export function parse(expression: string): SyntaxTree {
  if (expression.length > longestExpression) throw compileError(longestExpression, 'too long')
  const tree = new Parser(tokensOf(expression)).whole()
  if (isHigherThan(deepestExpression, tree)) throw compileError(0, 'nested too deeply')
  return tree
}

class Parser {
  readonly #tokens: readonly Token[]
  #index = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): SyntaxTree {
    const tree = this.#expression(0)
    if (this.#peek().kind !== 'end') throw this.#unexpected()
    return tree
  }

  /** Reads on as long as words bind more strongly than `power`. */
  #expression(power: number): SyntaxTree {
    if (++this.#depth > deepestExpression) throw compileError(this.#peek().at, 'nested too deeply')
    let left = this.#first(this.#take())
    while ((strengths.get(this.#peek().kind) ?? 0) > power) left = this.#further(left, this.#take())
    this.#depth--
    return left
  }

  /** What an expression can begin with. */
  #first(token: Token): SyntaxTree {
    const { at } = token
    const current: SyntaxTree = { type: 'current', at }
    switch (token.kind) {
      case 'identifier':
        return this.#named(token.name, at)
      case 'quoted':
        if (this.#peek().kind === '(') throw compileError(at, 'a quoted name is not a function')
        return { type: 'field', at, name: token.name }
      case 'literal':
        return { type: 'literal', at, value: token.value }
      case 'variable':
        return { type: 'variable', at, name: token.name }
      case '@':
        return current
      case '$':
        return { type: 'root', at }
      case '!':
        return { type: 'not', at, child: this.#expression(strength.not) }
      case '-':
      case '+':
        return { type: 'sign', at, operator: token.kind, child: this.#expression(strength.sum) }
      case '(':
        return this.#until(')', () => this.#expression(0))
      case '{':
        return this.#object(at)
      case '*':
        return { type: 'values', at, left: current, right: this.#projected(strength.star) }
      case '[?':
      case '[]':
        return this.#further(current, token)
      case '[':
        return this.#isIndexOrStar() ? this.#further(current, token) : this.#list(at)
      default:
        this.#index--
        throw this.#unexpected()
    }
  }

  /** What can follow an expression. */
  #further(left: SyntaxTree, token: Token): SyntaxTree {
    const { at, kind } = token
    switch (kind) {
      case '|':
        return { type: 'pipe', at, left, right: this.#expression(strength.pipe) }
      case '||':
        return { type: 'or', at, left, right: this.#right(kind) }
      case '&&':
        return { type: 'and', at, left, right: this.#right(kind) }
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return { type: 'comparison', at, operator: kind satisfies Comparison, left, right: this.#right(kind) }
      case '+':
      case '-':
      case '*':
      case '/':
      case '//':
      case '%':
        return { type: 'calculation', at, operator: kind satisfies Calculation, left, right: this.#right(kind) }
      case '?': {
        const yes = this.#until(':', () => this.#expression(0))
        return { type: 'choice', at, condition: left, yes, no: this.#expression(0) }
      }
      case '.':
        if (this.#peek().kind !== '*') return { type: 'member', at, left, right: this.#afterDot(strength.dot) }
        this.#take()
        return { type: 'values', at, left, right: this.#projected(strength.dot) }
      case '[]':
        return {
          type: 'projection',
          at,
          left: { type: 'flatten', at, child: left },
          right: this.#projected(strength.flatten),
        }
      case '[?': {
        const condition = this.#until(']', () => this.#expression(0))
        return { type: 'filter', at, left, condition, right: this.#projected(strength.filter) }
      }
      case '[':
        return this.#bracket(left, at)
      default:
        this.#index--
        throw this.#unexpected()
    }
  }

  #right(kind: Token['kind']): SyntaxTree {
    return this.#expression(strengths.get(kind) ?? 0)
  }

  /** `name`, `name(…)` or `let $name = … in …`. */
  #named(name: string, at: number): SyntaxTree {
    if (name === 'let' && this.#peek().kind === 'variable') return this.#let(at)
    if (this.#peek().kind !== '(') return { type: 'field', at, name }
    this.#take()
    const args: SyntaxTree[] = []
    if (!this.#takeIf(')')) {
      do args.push(this.#argument())
      while (this.#takeIf(','))
      this.#expect(')')
    }
    const fault = argumentFault(name, args.length)
    if (fault !== undefined) throw compileError(at, fault)
    return { type: 'call', at, name, args }
  }

  #argument(): SyntaxTree {
    const { kind, at } = this.#peek()
    if (kind !== '&') return this.#expression(0)
    this.#take()
    return { type: 'reference', at, child: this.#expression(0) }
  }

  #let(at: number): SyntaxTree {
    const bindings: Entry[] = []
    do {
      const variable = this.#take()
      if (variable.kind !== 'variable') throw compileError(variable.at, 'expected a variable')
      this.#expect('=')
      bindings.push({ name: variable.name, value: this.#expression(0) })
    } while (this.#takeIf(','))
    const word = this.#take()
    if (word.kind !== 'identifier' || word.name !== 'in') throw compileError(word.at, 'expected in')
    return { type: 'let', at, bindings, body: this.#expression(0) }
  }

  #object(at: number): SyntaxTree {
    const entries: Entry[] = []
    do {
      const name = this.#take()
      if (name.kind !== 'identifier' && name.kind !== 'quoted') throw compileError(name.at, 'expected a name')
      this.#expect(':')
      entries.push({ name: name.name, value: this.#expression(0) })
    } while (this.#takeIf(','))
    this.#expect('}')
    return { type: 'object', at, entries }
  }

  #list(at: number): SyntaxTree {
    const items: SyntaxTree[] = []
    do items.push(this.#expression(0))
    while (this.#takeIf(','))
    this.#expect(']')
    return { type: 'list', at, items }
  }

  #isIndexOrStar(): boolean {
    const [first, second] = [this.#peek(), this.#peek(1)]
    if (first.kind === '*') return second.kind === ']'
    return first.kind === 'number' || first.kind === ':' || (first.kind === '-' && second.kind === 'number')
  }

  /** `[*]`, `[1]` or `[1:2:3]` behind something. */
  #bracket(left: SyntaxTree, at: number): SyntaxTree {
    if (this.#takeIf('*')) {
      this.#expect(']')
      return { type: 'projection', at, left, right: this.#projected(strength.star) }
    }
    const parts: (number | null)[] = [this.#integer()]
    while (parts.length < 3 && this.#takeIf(':')) parts.push(this.#integer())
    const [start = null, stop = null, step = null] = parts
    const isSlice = parts.length > 1
    if (!isSlice && start === null) throw this.#unexpected()
    this.#expect(']')
    if (start !== null && !isSlice) return { type: 'pipe', at, left, right: { type: 'index', at, index: start } }
    const sliced: SyntaxTree = { type: 'pipe', at, left, right: { type: 'slice', at, start, stop, step } }
    return { type: 'projection', at, left: sliced, right: this.#projected(strength.star) }
  }

  #integer(): number | null {
    const isNegative = this.#peek().kind === '-' && this.#peek(1).kind === 'number' && this.#takeIf('-')
    const token = this.#peek()
    if (token.kind !== 'number') return null
    this.#take()
    return isNegative ? -token.value : token.value
  }

  #afterDot(power: number): SyntaxTree {
    const { kind, at } = this.#peek()
    if (kind === 'identifier' || kind === 'quoted' || kind === '*') return this.#expression(power)
    if (this.#takeIf('[')) return this.#list(at)
    if (this.#takeIf('{')) return this.#object(at)
    throw this.#unexpected()
  }

  /** What is asked of every item of a projection. */
  #projected(power: number): SyntaxTree {
    const { kind, at } = this.#peek()
    if ((strengths.get(kind) ?? 0) <= endOfProjection) return { type: 'current', at }
    return this.#takeIf('.') ? this.#afterDot(power) : this.#expression(power)
  }

  #until(kind: Token['kind'], read: () => SyntaxTree): SyntaxTree {
    const tree = read()
    this.#expect(kind)
    return tree
  }

  #expect(kind: Token['kind']): void {
    if (!this.#takeIf(kind)) throw compileError(this.#peek().at, `expected ${kind}`)
  }

  #takeIf(kind: Token['kind']): boolean {
    const isThere = this.#peek().kind === kind
    if (isThere) this.#index++
    return isThere
  }

  #take(): Token {
    const token = this.#peek()
    this.#index++
    return token
  }

  /** The word ahead; beyond the end there are only ends. */
  #peek(ahead = 0): Token {
    return this.#tokens[this.#index + ahead] ?? this.#tokens.at(-1) ?? { kind: 'end', at: 0 }
  }

  #unexpected(): Error {
    const { kind, at } = this.#peek()
    return compileError(at, kind === 'end' ? 'ends too early' : `unexpected ${kind}`)
  }
}
