import { jsonParts } from './json-parts.ts'
import { type Json, weigh } from './json-value.ts'
import type { Meter } from './meter.ts'
import { Pieces } from './text-blocks.ts'

/** The JSON text of a value, counted. Throws LimitReached when it is too long or nested too deeply. */
export function jsonText(value: Json, meter: Meter): string {
  // Weighed before it is written: what shares its parts may be endless when written out.
  weigh(value, meter.sizeLeft, meter)
  const pieces = new Pieces(meter)
  for (const part of jsonParts(value, meter)) pieces.add(part)
  return pieces.whole()
}
