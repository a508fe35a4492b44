/** The functions of the language, by name. */
import type { JmespathFunction } from './function-signature.ts'
import { listFunctions } from './list-functions.ts'
import { objectFunctions } from './object-functions.ts'
import { textFunctions } from './text-functions.ts'
import { valueFunctions } from './value-functions.ts'

const functions: ReadonlyMap<string, JmespathFunction> = new Map([
  ...valueFunctions,
  ...textFunctions,
  ...listFunctions,
  ...objectFunctions,
])

/** A function by its name; undefined when there is none. */
export function functionNamed(name: string): JmespathFunction | undefined {
  return functions.get(name)
}

/** Why a function cannot be called with so many arguments; undefined when it can. */
export function argumentFault(name: string, count: number): string | undefined {
  const found = functions.get(name)
  if (found === undefined) return `unknown function ${name}`
  const { fewest, most } = found
  if (count >= fewest && count <= most) return undefined
  return `${name} takes ${range(fewest, most)}, not ${count}`
}

function range(fewest: number, most: number): string {
  if (most === Number.POSITIVE_INFINITY) return `at least ${fewest} arguments`
  if (fewest === most) return `${fewest} ${fewest === 1 ? 'argument' : 'arguments'}`
  return `${fewest} to ${most} arguments`
}
