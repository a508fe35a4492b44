/** What an expression is, once it has been parsed. */
import type { Json } from './json-value.ts'

/** A comparison, or a calculation with two numbers. */
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='
export type Calculation = '+' | '-' | '*' | '/' | '//' | '%'

/** One member of an object that an expression makes. */
export interface Entry {
  readonly name: string
  readonly value: SyntaxTree
}

interface Shape {
  readonly field: { readonly name: string }
  readonly index: { readonly index: number }
  readonly slice: { readonly start: number | null; readonly stop: number | null; readonly step: number | null }
  readonly current: object
  readonly root: object
  readonly literal: { readonly value: Json }
  readonly variable: { readonly name: string }
  /** The right side is not asked when the left one is null. */
  readonly member: { readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly pipe: { readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly projection: { readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly values: { readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly filter: { readonly left: SyntaxTree; readonly condition: SyntaxTree; readonly right: SyntaxTree }
  readonly flatten: { readonly child: SyntaxTree }
  readonly list: { readonly items: readonly SyntaxTree[] }
  readonly object: { readonly entries: readonly Entry[] }
  readonly or: { readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly and: { readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly not: { readonly child: SyntaxTree }
  readonly comparison: { readonly operator: Comparison; readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly calculation: { readonly operator: Calculation; readonly left: SyntaxTree; readonly right: SyntaxTree }
  readonly sign: { readonly operator: '+' | '-'; readonly child: SyntaxTree }
  readonly choice: { readonly condition: SyntaxTree; readonly yes: SyntaxTree; readonly no: SyntaxTree }
  readonly call: { readonly name: string; readonly args: readonly SyntaxTree[] }
  /** An expression as an argument; nowhere else. */
  readonly reference: { readonly child: SyntaxTree }
  readonly let: { readonly bindings: readonly Entry[]; readonly body: SyntaxTree }
}

/** A node and, through its fields, all below it. `at` is where it stands, in UTF-16 units from 0. */
export type SyntaxTree = { [K in keyof Shape]: { readonly type: K; readonly at: number } & Shape[K] }[keyof Shape]

/** One kind of node. */
export type Node<K extends keyof Shape> = Extract<SyntaxTree, { readonly type: K }>

/** Whether some path from the top is longer than this. Not recursive itself: chains such as `a.b.c` grow long. */
export function isHigherThan(height: number, tree: SyntaxTree): boolean {
  let level: readonly SyntaxTree[] = [tree]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > height) return true
    level = level.flatMap(children)
  }
  return false
}

function children(tree: SyntaxTree): readonly SyntaxTree[] {
  switch (tree.type) {
    case 'member':
    case 'pipe':
    case 'projection':
    case 'values':
    case 'or':
    case 'and':
    case 'comparison':
    case 'calculation':
      return [tree.left, tree.right]
    case 'filter':
      return [tree.left, tree.condition, tree.right]
    case 'flatten':
    case 'not':
    case 'sign':
    case 'reference':
      return [tree.child]
    case 'list':
      return tree.items
    case 'object':
      return tree.entries.map(({ value }) => value)
    case 'choice':
      return [tree.condition, tree.yes, tree.no]
    case 'call':
      return tree.args
    case 'let':
      return [...tree.bindings.map(({ value }) => value), tree.body]
    case 'field':
    case 'index':
    case 'slice':
    case 'current':
    case 'root':
    case 'literal':
    case 'variable':
      return []
    default:
      return tree satisfies never
  }
}
