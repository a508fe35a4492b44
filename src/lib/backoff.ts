/** Beyond these every wait is at its longest, and a factor of infinity would make nothing of a base of nothing. */
const mostDoublings = 64

/** How the wait grows from try to try: doubling, by one base more each time, or not at all. */
export type BackoffStrategy = 'exponential' | 'linear' | 'fixed'

/** The upper end of the wait before try `attempt + 1`, in milliseconds: from `baseMs` up by the strategy, at most `maxMs`. */
export function backoffCeiling(
  attempt: number,
  baseMs: number,
  maxMs: number,
  strategy: BackoffStrategy = 'exponential',
): number {
  return Math.min(maxMs, baseMs * growth[strategy](attempt))
}

const growth = {
  exponential: (attempt) => 2 ** Math.min(attempt - 1, mostDoublings),
  linear: (attempt) => attempt,
  fixed: () => 1,
} as const satisfies Record<BackoffStrategy, (attempt: number) => number>

/**
 * A wait of at most the ceiling, in whole milliseconds, so that callers that failed together do not return together:
 * `share` of it, 0 to 1, is left to chance. All of it is "full jitter".
 */
export function jittered(ceilingMs: number, share: number, random: () => number): number {
  return Math.round(ceilingMs * (1 - share + share * random()))
}
