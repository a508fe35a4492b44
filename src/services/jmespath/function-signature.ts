/** What functions take: checked before each call, so that a function sees only what it was written for. */
import { isList, isObject, type Json, type JsonObject, type JsonType, typeOf } from './json-value.ts'
import type { Meter } from './meter.ts'

/** An expression as an argument: what it gives for a value. */
export class Reference {
  readonly of: (value: Json) => Json

  constructor(of: (value: Json) => Json) {
    this.of = of
  }
}

/** What a function can be given. */
export type Argument = Json | Reference

/** What a function has besides its arguments. */
export interface Call {
  readonly meter: Meter
  /** Ends the evaluation: the arguments do not fit. Values are never part of the reason. */
  readonly fail: (reason: string) => never
}

interface Kinds {
  readonly any: Json
  readonly string: string
  readonly number: number
  readonly array: readonly Json[]
  readonly object: JsonObject
  readonly numbers: readonly number[]
  readonly strings: readonly string[]
  readonly arrays: readonly (readonly Json[])[]
  readonly expression: Reference
}

type Kind = keyof Kinds
type Parameter = Kind | 'string|array' | 'string|array|object' | 'numbers|strings' | 'string?' | 'number?'
type Taken<P> = P extends `${infer K}?`
  ? Taken<K> | undefined
  : P extends `${infer A}|${infer B}`
    ? Taken<A> | Taken<B>
    : P extends Kind
      ? Kinds[P]
      : never
type Arguments<P extends readonly Parameter[]> = { readonly [I in keyof P]: Taken<P[I]> }

/** One function of the language. */
export interface JmespathFunction {
  /** The fewest and the most arguments. */
  readonly fewest: number
  readonly most: number
  /** Checks the arguments, then computes. */
  call(args: readonly Argument[], call: Call): Json
}

/** A function of so many parameters; those with a `?` may be left out. */
export function takes<const P extends readonly Parameter[]>(
  parameters: P,
  compute: (args: Arguments<P>, call: Call) => Json,
): JmespathFunction {
  const kinds = parameters.map((parameter) => parameter.replace('?', '').split('|'))
  return {
    fewest: parameters.filter((parameter) => !parameter.endsWith('?')).length,
    most: parameters.length,
    call(args, call) {
      for (const [index, arg] of args.entries()) check(arg, index, kinds[index] ?? [], call)
      // Every argument has just been found to be of its parameter's kind.
      return compute(args as unknown as Arguments<P>, call)
    },
  }
}

/** A function of one or more arguments of one kind. */
export function takesMany<K extends 'any' | 'array' | 'object'>(
  kind: K,
  compute: (args: readonly Kinds[K][], call: Call) => Json,
): JmespathFunction {
  return {
    fewest: 1,
    most: Number.POSITIVE_INFINITY,
    call(args, call) {
      for (const [index, arg] of args.entries()) check(arg, index, [kind], call)
      // Every argument has just been found to be of this kind.
      return compute(args as readonly Kinds[K][], call)
    },
  }
}

function check(arg: Argument, index: number, kinds: readonly string[], call: Call): void {
  if (kinds.some((kind) => isOf(kind, arg, call.meter))) return
  const given = arg instanceof Reference ? 'expression' : typeOf(arg)
  call.fail(`argument ${index + 1} must be ${kinds.join(' or ')}, not ${given}`)
}

/** Lists whose items must be of one type. */
const itemTypes: Readonly<Record<string, JsonType>> = { numbers: 'number', strings: 'string', arrays: 'array' }

function isOf(kind: string, arg: Argument, meter: Meter): boolean {
  if (arg instanceof Reference || kind === 'expression') return arg instanceof Reference && kind === 'expression'
  if (kind === 'any') return true
  const itemType = itemTypes[kind]
  if (itemType === undefined)
    return kind === 'array' ? isList(arg) : kind === 'object' ? isObject(arg) : typeOf(arg) === kind
  if (!isList(arg)) return false
  meter.step(arg.length)
  return arg.every((item) => typeOf(item) === itemType)
}
