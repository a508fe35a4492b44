/** RFC 3339 in UTC with six decimals. */
import type { Clock } from '../lib/clock.ts'

/**
 * Reads a clock as text. The wall clock only knows milliseconds; what lies between two of its ticks comes from the
 * monotonic one, so that lines keep their order. The wall clock is followed wherever it jumps.
 */
export function openTimestamps(clock: Clock): () => string {
  let wallMs = clock.now()
  let anchor = clock.monotonic()
  let second = Number.NaN
  let prefix = ''
  return () => {
    const tick = clock.now()
    const monotonic = clock.monotonic()
    wallMs = Math.min(Math.max(wallMs + monotonic - anchor, tick), tick + 0.999)
    anchor = monotonic
    const current = Math.floor(wallMs / 1000)
    if (current !== second) {
      second = current
      prefix = new Date(current * 1000).toISOString().slice(0, 20)
    }
    const micros = Math.round((wallMs - current * 1000) * 1000)
    return `${prefix}${String(micros).padStart(6, '0')}Z`
  }
}
