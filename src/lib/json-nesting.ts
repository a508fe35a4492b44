/** How deeply a message is nested, told from its bytes: whatever is nested much deeper takes seconds to be written again. */

/** Far deeper than any honest message, far from where writing JSON becomes slow or runs out of stack. */
const deepest = 1000

const quote = 0x22
const backslash = 0x5c

/** Whether JSON in UTF-8 has more than 1,000 levels of arrays and objects. Linear; of other bytes it says anything. */
export function isNestedTooDeeply(json: Uint8Array): boolean {
  if (json.length <= deepest) return false
  let depth = 0
  let inString = false
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]
    if (inString && byte === backslash) index++
    else if (byte === quote) inString = !inString
    else if (!inString) depth += step(byte)
    if (depth > deepest) return true
  }
  return false
}

function step(byte: number | undefined): number {
  // [ and {, ] and } differ in one bit.
  const bracket = (byte ?? 0) | 0x20
  if (bracket === 0x7b) return 1
  return bracket === 0x7d ? -1 : 0
}
