/** Values that handlers made, on their way out: they may hold anything, and do anything when they are read. */
import { type JsonObject, jsonText } from './json.ts'

/** Stands for a value that JSON cannot hold. */
export const unwritable = Symbol('unwritable')

/** A value of somebody else's as JSON text; undefined when it says nothing (null, undefined, NaN, a function). */
export function textOf(value: unknown): string | undefined | typeof unwritable {
  try {
    const text = jsonText(value)
    return text === 'null' ? undefined : text
  } catch {
    return unwritable
  }
}

/** Details, one set laid over another, and their JSON text; empty and without text when JSON cannot hold them. */
export function detailsOf(
  under: JsonObject | undefined,
  over: JsonObject | undefined,
): readonly [JsonObject, string | undefined] {
  try {
    const merged = { ...under, ...over }
    const text = jsonText(merged)
    // A `toJSON` among the details may have made anything of them.
    return text?.startsWith('{"') ? [merged, text] : [{}, undefined]
  } catch {
    return [{}, undefined]
  }
}
