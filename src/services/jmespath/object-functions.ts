import { type JmespathFunction, takes, takesMany } from './function-signature.ts'
import { type Json, type JsonObject, member, put } from './json-value.ts'
import type { Meter } from './meter.ts'

/** Functions of objects. */
export const objectFunctions: readonly (readonly [name: string, found: JmespathFunction])[] = [
  ['keys', takes(['object'], ([object], { meter }) => namesOf(object, meter))],
  ['values', takes(['object'], ([object], { meter }) => namesOf(object, meter).map((name) => member(object, name)))],
  [
    'items',
    takes(['object'], ([object], { meter }) => {
      const names = namesOf(object, meter)
      meter.makePlaces(3 * names.length)
      return names.map((name) => [name, member(object, name)])
    }),
  ],
  [
    'merge',
    takesMany('object', (objects, { meter }) => {
      const merged: Record<string, Json> = {}
      for (const object of objects) for (const name of namesOf(object, meter)) put(merged, name, member(object, name))
      return merged
    }),
  ],
]

function namesOf(object: JsonObject, meter: Meter): readonly string[] {
  const names = Object.keys(object)
  meter.step(names.length)
  meter.makePlaces(2 * names.length)
  return names
}
