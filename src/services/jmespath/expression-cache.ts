import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import { parse } from './parser.ts'
import type { SyntaxTree } from './syntax-tree.ts'

/** Bounds in expressions, in UTF-16 units of their text (a tree takes some fifty bytes for each), and in time. */
const bounds = { maxEntries: 1000, maxSize: 250_000, maxAgeMs: 3_600_000 }

/** Remembers the trees of expressions that were used lately. */
export class ExpressionCache {
  readonly #trees: BoundedMap<string, SyntaxTree>

  constructor(clock: Clock) {
    this.#trees = new BoundedMap(bounds, clock)
  }

  /** The tree of an expression. Throws JMESPATH_COMPILE_ERROR. */
  get(expression: string): SyntaxTree {
    const known = this.#trees.get(expression)
    if (known !== undefined) return known
    const tree = parse(expression)
    this.#trees.set(expression, tree, expression.length)
    return tree
  }
}
