/** How much room each part of the dead letters may take, so that all of them stay within the total. */
import type { Config } from '../config/schema.ts'

/** Of one file with those that were put aside. Sizes in bytes. */
export interface Limits {
  /** At which the file is put aside. */
  readonly rotateBytes: number
  /** Of the longest line, newline included. */
  readonly lineBytes: number
  /** How many may be put aside. */
  readonly rotations: number
  /** Of all together. */
  readonly totalBytes: number
  /** After which entries are removed, in milliseconds. */
  readonly ageMs: number | undefined
}

interface Shares {
  readonly main: Limits
  /** Of what is the callers' own fault: a tenth. */
  readonly rejected: Limits
  /** Of all there is, with the notes of what was replayed. */
  readonly totalBytes: number
  /** What is left for those notes in any case; a new copy of them is made beside the old one, so they may take half. */
  readonly marksBytes: number
}

const dayMs = 86_400_000

/** What the settings come to. */
export function sharesOf({ maxBytes, maxRotations, totalMaxBytes, maxAgeDays }: Config['deadLetters']): Shares {
  const ageMs = maxAgeDays === undefined ? undefined : maxAgeDays * dayMs
  const share = (total: number, most: number): Limits => ({
    rotateBytes: Math.floor(Math.min(most, total / 2)),
    // One less, for the newline that closes what a crash cut short.
    lineBytes: Math.floor(Math.min(most, total / 2)) - 1,
    rotations: maxRotations,
    totalBytes: Math.floor(total),
    ageMs,
  })
  const tenth = totalMaxBytes / 10
  return {
    main: share(8 * tenth, maxBytes),
    rejected: share(tenth, maxBytes / 10),
    totalBytes: totalMaxBytes,
    marksBytes: Math.floor(tenth),
  }
}
