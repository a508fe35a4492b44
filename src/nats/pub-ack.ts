import type { Msg } from '@nats-io/nats-core'

/** A stream's answer to a publish: stored, or why not. */
interface PubAck {
  readonly error?: string
}

/**
 * Reads an answer; undefined when it is not from a stream. A core subscriber may answer too: where no stream is
 * `expected`, only what names its stream counts.
 */
export function readPubAck(answer: Msg, expected: boolean): PubAck | undefined {
  let value: unknown
  try {
    value = answer.json()
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const named = 'stream' in value && typeof value.stream === 'string'
  if ('error' in value) return named || expected ? { error: describe(value.error) } : undefined
  return named && 'seq' in value ? {} : undefined
}

function describe(error: unknown): string {
  return typeof error === 'object' && error !== null && 'description' in error ? String(error.description) : 'unknown'
}
