import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { Slab } from '../lib/slab.ts'
import type { Caller } from '../protocol/assignment.ts'
import { answerHeaders } from '../protocol/headers.ts'
import type { JsonObject } from '../protocol/json.ts'
import { decodeResult } from '../protocol/received-result.ts'
import type { EncodedResult } from '../protocol/result.ts'

/** The bounds the wire sets: 10,000 results, 64 MB, one hour. */
const bounds = { maxEntries: 10_000, maxSize: 64_000_000, maxAgeMs: 3_600_000 }

/** What an ended job is remembered by: its result, to be published again byte for byte. */
export interface Ended extends Pick<EncodedResult, 'body'> {
  readonly fingerprint: number
}

/** The results of jobs that ended here lately, by tenant and assignment id. */
export class Duplicates {
  readonly #ended: BoundedMap<string, Ended>
  readonly #slab = new Slab()

  constructor(clock: Clock) {
    this.#ended = new BoundedMap(bounds, clock)
  }

  find(key: string): Ended | undefined {
    return this.#ended.get(key)
  }

  remember(key: string, work: number, { body }: Pick<EncodedResult, 'body'>): void {
    this.#ended.set(key, { fingerprint: work, body: this.#slab.keep(body) }, body.byteLength)
  }

  /** The tenant of a remembered job with this assignment id, in linear time; undefined when there is none. */
  tenantOf(assignmentId: string): string | undefined {
    const end = `\n${assignmentId}`
    for (const key of this.#ended.keys()) if (key.endsWith(end)) return key.slice(0, -end.length)
    return undefined
  }
}

/** The headers of a result that is published again: those it had, told from what it says and whose it is. */
export function repeatedHeaders(ended: Ended, caller: Caller): EncodedResult['headers'] {
  const traceId = decodeResult(ended.body)?.result['trace_id']
  return answerHeaders({ ...caller, traceId: typeof traceId === 'string' ? traceId : undefined }, 'result', false)
}

/** Tells different work under one id apart; equal for equal work, whatever else the message says. */
export function fingerprint(assignment: JsonObject | undefined): number {
  try {
    return Bun.hash.xxHash32(JSON.stringify(assignment?.['job'] ?? null))
  } catch {
    // Nested deeper than can be written.
    return 0
  }
}
