import { jsonParts } from './json-parts.ts'
import { type Json, weigh } from './json-value.ts'
import type { Meter } from './meter.ts'
import { Pieces } from './text-blocks.ts'

/** Up to this weight the runtime writes a value at once. */
const smallWeight = 65_536

/** The JSON text of a value, counted. Throws LimitReached when it is too long or nested too deeply. */
export function jsonText(value: Json, meter: Meter): string {
  // Weighed before it is written: what shares its parts may be endless when written out.
  const weight = meter.sizeLeft - weigh(value, meter.sizeLeft, meter)
  if (weight <= smallWeight) {
    meter.step(weight >> 3)
    const text = JSON.stringify(value)
    meter.make(text.length)
    return text
  }
  const pieces = new Pieces(meter)
  for (const part of jsonParts(value, meter)) pieces.add(part)
  return pieces.whole()
}
