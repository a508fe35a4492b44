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

/** Addresses of the servers that some cases need, by the name that stands for them, such as `HTTP_ECHO`. */
type Places = Readonly<Record<string, string>>

/** All golden cases, told where these servers are. */
export function goldenVectors(places: Places = {}): readonly Vector[] {
  const file = readFileSync(new URL('../golden/assignments.jsonl', import.meta.url), 'utf8')
  const text = file.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => places[name] ?? whole)
  // The file is the project's own and its README is the schema.
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector)
}

/** The job types that are there, under the spellings that the cases use. */
const runnable = new Set([
  'echo',
  'fs.put',
  'fs_blob_put',
  'sleep',
  'http.request',
  'javascript',
  'jmespath',
  'sql.query',
])

/** The golden cases that this program can answer: all but those that succeed with a job type which is not there yet. */
export function runnableVectors(places: Places): readonly Vector[] {
  return goldenVectors(places).filter(({ expect, ...vector }) => {
    const { type } = jobOf({ expect, ...vector })
    return typeof type !== 'string' || expect.ack !== 'accepted' || runnable.has(type)
  })
}

/** The assignment inside a case, out of its envelope. */
export function assignmentOf({ send }: Vector): Readonly<Record<string, unknown>> {
  // The cases are the project's own: an envelope's `data` is an object.
  return (send?.['kind'] === undefined ? send : (send['data'] as Vector['send'])) ?? {}
}

function jobOf(vector: Vector): { readonly type?: unknown } {
  // As above.
  return (assignmentOf(vector)['job'] as { readonly type?: unknown } | undefined) ?? {}
}

/** The bytes that a case publishes. */
export function vectorBody({ send, send_raw }: Vector): Uint8Array {
  return new TextEncoder().encode(send_raw ?? JSON.stringify(send))
}
