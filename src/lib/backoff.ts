/** Beyond these every wait is at its longest, and a factor of infinity would make nothing of a base of nothing. */
const mostDoublings = 64

/** The upper end of the wait before try `attempt + 1`, in milliseconds: `baseMs`, doubling from try to try, at most `maxMs`. */
export function backoffCeiling(attempt: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, mostDoublings))
}

/** A wait spread evenly from nothing to the ceiling ("full jitter"), so that callers that failed together do not return together. */
export function fullJitter(ceilingMs: number, random: () => number): number {
  return Math.round(random() * ceilingMs)
}
