/** The envelope some callers put around messages: `{"version":"v1","kind":…,"data":…}`. */
import { isJsonObject, type JsonObject } from './json.ts'

/** When messages are wrapped: as the caller did (`auto`), or come what may. */
export type EnvelopeMode = 'auto' | 'always' | 'never'

const kinds = ['exec_assign', 'exec_result', 'exec_ack', 'heartbeat', 'dead_letter'] as const

/** What an envelope says is in it. */
export type Kind = (typeof kinds)[number]

/** The kind that an envelope names; undefined when this platform knows no such kind. */
export function knownKind(kind: unknown): Kind | undefined {
  return kinds.find((known) => known === kind)
}

/**
 * Whether a message is an envelope rather than a bare assignment that happens to have a key `kind`: it names a kind
 * and lacks what a bare assignment would have in its place.
 */
export function isEnvelope(message: JsonObject): boolean {
  if (typeof message['kind'] !== 'string' || message['job'] !== undefined) return false
  return message['data'] !== undefined || message['assignment_id'] === undefined
}

/** What is inside a message, whichever form it has. */
export function unwrap(message: JsonObject): JsonObject {
  const data = message['data']
  return isEnvelope(message) && isJsonObject(data) ? data : message
}

/** Puts an envelope around the JSON text of a message. */
export function wrap(kind: Kind, json: string): string {
  return `{"version":"v1","kind":"${kind}","data":${json}}`
}
