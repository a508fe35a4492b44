/** How JSON is built, told from its bytes: what is nested deeply, or holds very many values, takes seconds to be read or written. */

/** Far deeper than any honest message, far from where writing JSON becomes slow or runs out of stack. */
const deepest = 1000

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c

/** `deep`: more than 1,000 levels of arrays and objects; `wide`: more values than were to be let through. */
export type JsonShape = 'fine' | 'deep' | 'wide'

/** The shape of JSON in UTF-8. An empty array or object counts as two values. Linear; of other bytes it says anything. */
export function jsonShape(json: Uint8Array, mostValues = Number.POSITIVE_INFINITY): JsonShape {
  if (json.length <= deepest && json.length <= mostValues) return 'fine'
  let depth = 0
  let values = 1
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]
    if (byte === quote) index = endOfString(json, index)
    const change = step(byte)
    depth += change
    if (change > 0 || byte === comma) values++
    if (depth > deepest) return 'deep'
    if (values > mostValues) return 'wide'
  }
  return 'fine'
}

/** Whether JSON in UTF-8 has more than 1,000 levels of arrays and objects. Linear; of other bytes it says anything. */
export function isNestedTooDeeply(json: Uint8Array): boolean {
  return jsonShape(json) === 'deep'
}

function step(byte: number | undefined): number {
  // [ and {, ] and } differ in one bit.
  const bracket = (byte ?? 0) | 0x20
  if (bracket === 0x7b) return 1
  return bracket === 0x7d ? -1 : 0
}

/** Where the string ends that begins at `start`. */
function endOfString(json: Uint8Array, start: number): number {
  let index = start + 1
  while (index < json.length && json[index] !== quote) index += json[index] === backslash ? 2 : 1
  return index
}
