import { readFileSync } from 'node:fs'

/** One golden case; `test/golden/README.md` says what its parts mean. */
export interface Vector {
  readonly name: string
  readonly send?: Readonly<Record<string, unknown>>
  readonly send_raw?: string
  readonly expect: {
    readonly form?: 'bare' | 'envelope'
    readonly ack: 'accepted' | 'rejected' | 'error' | null
    readonly result: Readonly<Record<string, unknown>> | null
    readonly absent?: readonly string[]
    readonly dead_letter?: string
  }
}

/** All golden cases. */
export function goldenVectors(): readonly Vector[] {
  const text = readFileSync(new URL('../golden/assignments.jsonl', import.meta.url), 'utf8')
  // The file is the project's own and its README is the schema.
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector)
}

/** The bytes that a case publishes. */
export function vectorBody({ send, send_raw }: Vector): Uint8Array {
  return new TextEncoder().encode(send_raw ?? JSON.stringify(send))
}
