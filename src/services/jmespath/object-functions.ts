import { type JmespathFunction, takes, takesMany } from './function-signature.ts'
import { type Json, membersOf, put, valuesOf } from './json-value.ts'

/** Functions of objects. */
export const objectFunctions: readonly (readonly [name: string, found: JmespathFunction])[] = [
  [
    'keys',
    takes(['object'], ([object], { meter }) => {
      const { names } = membersOf(object, meter)
      meter.makePlaces(2 * names.length)
      return names
    }),
  ],
  [
    'values',
    takes(['object'], ([object], { meter }) => {
      const values = valuesOf(object, meter)
      meter.makePlaces(values.length)
      return values.map((value) => value ?? null)
    }),
  ],
  [
    'items',
    takes(['object'], ([object], { meter }) => {
      const { names, values } = membersOf(object, meter)
      meter.step(names.length)
      meter.makePlaces(5 * names.length)
      return names.map((name, index) => [name, values[index] ?? null])
    }),
  ],
  [
    'merge',
    takesMany('object', (objects, { meter }) => {
      const merged: Record<string, Json> = {}
      for (const object of objects) {
        const { names, values } = membersOf(object, meter)
        meter.makePlaces(2 * names.length)
        for (const [index, name] of names.entries()) {
          meter.step(1 + (name.length >> 3))
          put(merged, name, values[index] ?? null)
        }
      }
      return merged
    }),
  ],
]
