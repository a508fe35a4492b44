import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Assignment } from '../protocol/assignment.ts'
import type { EncodedResult } from '../protocol/result.ts'

/** The bounds the wire sets: 10,000 results, 64 MB, one hour. */
const bounds = { maxEntries: 10_000, maxSize: 64_000_000, maxAgeMs: 3_600_000 }

/** What an ended job is remembered by: its result, to be published again byte for byte. */
export interface Ended extends Pick<EncodedResult, 'body' | 'headers'> {
  readonly fingerprint: number
}

/** The results of jobs that ended here lately, by tenant and assignment id. */
export class Duplicates {
  readonly #ended: BoundedMap<string, Ended>

  constructor(clock: Clock) {
    this.#ended = new BoundedMap(bounds, clock)
  }

  find(key: string): Ended | undefined {
    return this.#ended.get(key)
  }

  remember(key: string, assignment: Assignment, { body, headers }: EncodedResult): void {
    this.#ended.set(key, { fingerprint: fingerprint(assignment), body, headers }, body.byteLength)
  }

  /** The tenant of a remembered job with this assignment id, in linear time; undefined when there is none. */
  tenantOf(assignmentId: string): string | undefined {
    const end = `\n${assignmentId}`
    for (const key of this.#ended.keys()) if (key.endsWith(end)) return key.slice(0, -end.length)
    return undefined
  }
}

/** One string for tenant and assignment id; neither can hold the control character between them. */
export function jobKey({ tenantId, assignmentId }: Pick<Assignment, 'tenantId' | 'assignmentId'>): string {
  return `${tenantId}\n${assignmentId}`
}

/** Tells different work under one id apart; equal for equal work, whatever else the message says. */
export function fingerprint(assignment: Assignment): number {
  try {
    return Bun.hash.xxHash32(JSON.stringify(assignment.raw['job']))
  } catch {
    // Nested deeper than can be written.
    return 0
  }
}
