/** Evaluates a syntax tree over plain JSON data, counting every step. Data is never changed; results may share its parts. */
import { type Argument, type Call, Reference } from './function-signature.ts'
import { functionNamed } from './functions.ts'
import { evaluationError } from './jmespath-error.ts'
import { isEqual, isList, isObject, isTrue, type Json, member, put, valuesOf } from './json-value.ts'
import type { Meter } from './meter.ts'
import { sliceList, sliceText } from './slice.ts'
import type { Node, SyntaxTree } from './syntax-tree.ts'
import { finiteOr } from './value-functions.ts'

/** What `let` has bound, the innermost first. */
interface Scope {
  readonly values: ReadonlyMap<string, Json>
  readonly outer: Scope | undefined
}

/** The value of an expression. Throws JMESPATH_RUNTIME_ERROR, or LimitReached when the meter says so. */
export function evaluate(tree: SyntaxTree, data: Json, meter: Meter): Json {
  return new Evaluation(data, meter).of(tree, data, undefined)
}

class Evaluation {
  readonly #root: Json
  readonly #meter: Meter

  constructor(root: Json, meter: Meter) {
    this.#root = root
    this.#meter = meter
  }

  of(tree: SyntaxTree, value: Json, scope: Scope | undefined): Json {
    this.#meter.step()
    switch (tree.type) {
      case 'current':
        return value
      case 'root':
        return this.#root
      case 'literal':
        return tree.value
      case 'variable':
        return this.#variable(tree, scope)
      case 'field':
        return isObject(value) ? member(value, tree.name) : null
      case 'index':
        return item(value, tree.index)
      case 'slice':
        return this.#slice(tree, value)
      case 'member': {
        const left = this.of(tree.left, value, scope)
        return left === null ? null : this.of(tree.right, left, scope)
      }
      case 'pipe':
        return this.of(tree.right, this.of(tree.left, value, scope), scope)
      case 'flatten':
        return this.#flatten(this.of(tree.child, value, scope))
      case 'projection':
      case 'values':
      case 'filter':
        return this.#project(tree, value, scope)
      case 'list':
      case 'object':
        return value === null ? null : this.#make(tree, value, scope)
      case 'or':
      case 'and':
        return this.#either(tree, value, scope)
      case 'not':
        return !isTrue(this.of(tree.child, value, scope), this.#meter)
      case 'choice':
        return this.#choose(tree, value, scope)
      case 'comparison':
        return this.#compare(tree, this.of(tree.left, value, scope), this.of(tree.right, value, scope))
      case 'calculation':
        return calculate(tree, this.of(tree.left, value, scope), this.of(tree.right, value, scope))
      case 'sign':
        return sign(tree, this.of(tree.child, value, scope))
      case 'call':
        return this.#call(tree, value, scope)
      case 'let':
        return this.of(tree.body, value, { values: this.#bound(tree, value, scope), outer: scope })
      case 'reference':
        throw evaluationError(tree.at, 'an expression is no value')
      default:
        return tree satisfies never
    }
  }

  #either(tree: Node<'or' | 'and'>, value: Json, scope: Scope | undefined): Json {
    const left = this.of(tree.left, value, scope)
    return isTrue(left, this.#meter) === (tree.type === 'or') ? left : this.of(tree.right, value, scope)
  }

  #bound({ bindings }: Node<'let'>, value: Json, scope: Scope | undefined): ReadonlyMap<string, Json> {
    const values = new Map<string, Json>()
    for (const { name, value: bound } of bindings) {
      this.#meter.step(2 + (name.length >> 3))
      values.set(name, this.of(bound, value, scope))
    }
    return values
  }

  #variable({ name, at }: Node<'variable'>, scope: Scope | undefined): Json {
    for (let inner = scope; inner !== undefined; inner = inner.outer) {
      this.#meter.step(1 + (name.length >> 3))
      const value = inner.values.get(name)
      if (value !== undefined) return value
    }
    throw evaluationError(at, 'undefined variable')
  }

  #choose(tree: Node<'choice'>, value: Json, scope: Scope | undefined): Json {
    const isChosen = isTrue(this.of(tree.condition, value, scope), this.#meter)
    return this.of(isChosen ? tree.yes : tree.no, value, scope)
  }

  #slice(tree: Node<'slice'>, value: Json): Json {
    if (typeof value === 'string') return sliceText(tree, value, this.#meter)
    return isList(value) ? sliceList(tree, value, this.#meter) : null
  }

  #flatten(value: Json): Json {
    if (!isList(value)) return null
    const flat: Json[] = []
    for (const each of value) {
      const inner = isList(each) ? each : [each]
      this.#meter.step(1 + inner.length)
      this.#meter.makePlaces(inner.length)
      for (const innermost of inner) flat.push(innermost ?? null)
    }
    return flat
  }

  #project(tree: Node<'projection' | 'values' | 'filter'>, value: Json, scope: Scope | undefined): Json {
    const base = this.of(tree.left, value, scope)
    if (tree.type === 'projection' && typeof base === 'string' && isSlice(tree.left))
      return this.of(tree.right, base, scope)
    const items = tree.type === 'values' ? this.#members(base) : base
    if (!isList(items)) return null
    const results: Json[] = []
    for (const each of items) {
      const current = each ?? null
      if (tree.type === 'filter' && !isTrue(this.of(tree.condition, current, scope), this.#meter)) continue
      const projected = this.of(tree.right, current, scope)
      if (projected === null) continue
      this.#meter.makePlaces(1)
      results.push(projected)
    }
    return results
  }

  #members(value: Json): Json {
    if (!isObject(value)) return null
    const values = valuesOf(value, this.#meter)
    this.#meter.makePlaces(values.length)
    return values
  }

  #make(tree: Node<'list' | 'object'>, value: Json, scope: Scope | undefined): Json {
    if (tree.type === 'list') {
      this.#meter.makePlaces(tree.items.length)
      return tree.items.map((each) => this.of(each, value, scope))
    }
    this.#meter.makePlaces(tree.entries.length)
    const object: Record<string, Json> = {}
    for (const entry of tree.entries) put(object, entry.name, this.of(entry.value, value, scope))
    return object
  }

  #compare({ operator }: Node<'comparison'>, left: Json, right: Json): Json {
    if (operator === '==') return isEqual(left, right, this.#meter)
    if (operator === '!=') return !isEqual(left, right, this.#meter)
    if (typeof left !== 'number' || typeof right !== 'number') return null
    if (operator === '<') return left < right
    if (operator === '<=') return left <= right
    return operator === '>' ? left > right : left >= right
  }

  #call({ name, args, at }: Node<'call'>, value: Json, scope: Scope | undefined): Json {
    const call: Call = {
      meter: this.#meter,
      fail: (reason) => {
        throw evaluationError(at, `${name}: ${reason}`)
      },
    }
    const given = args.map((arg): Argument => {
      if (arg.type !== 'reference') return this.of(arg, value, scope)
      return new Reference((each) => this.of(arg.child, each, scope))
    })
    return functionNamed(name)?.call(given, call) ?? null
  }
}

/** The one projection that also takes text: `'text'[1:2]`. */
function isSlice(tree: SyntaxTree): boolean {
  return tree.type === 'pipe' && tree.right.type === 'slice'
}

function item(value: Json, index: number): Json {
  return isList(value) ? (value.at(index) ?? null) : null
}

function sign({ operator, at }: Node<'sign'>, value: Json): number {
  if (typeof value !== 'number') throw evaluationError(at, 'not a number')
  return operator === '-' ? -value : value
}

function calculate({ operator, at }: Node<'calculation'>, left: Json, right: Json): number {
  if (typeof left !== 'number' || typeof right !== 'number') throw evaluationError(at, 'not a number')
  if (right === 0 && (operator === '/' || operator === '//' || operator === '%')) {
    throw evaluationError(at, 'division by zero')
  }
  return finiteOr(result(operator, left, right), () => {
    throw evaluationError(at, 'the number is too large')
  })
}

function result(operator: Node<'calculation'>['operator'], left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '//':
      return Math.floor(left / right)
    case '%':
      return left % right
    default:
      return operator satisfies never
  }
}
