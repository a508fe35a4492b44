/** Dead letters as text for people. Pure. */
import { oneJsonLine, oneLine } from '../lib/one-line.ts'
import { type JsonObject, objectText } from '../protocol/json.ts'
import type { KeptDeadLetter } from '../store/dead-letter-store.ts'

const widths = { id: 26, ts: 24, reason: 14, mark: 8 } as const

const words = { begun: 'begun', done: 'replayed', failed: 'failed' } as const

/** What stands above the rows. */
export const rowHeading = row('ID', 'TIME', 'REASON', 'REPLAY', ['TENANT', 'JOB TYPE', 'ASSIGNMENT', 'ERROR'])

/** One line: id, time, reason, what became of it, tenant, job type, assignment, error. */
export function deadLetterRow({ record, mark }: KeptDeadLetter): string {
  const { id, ts, reason, tenant_id: tenant, job_type: type, assignment_id: assignment, error_code: code } = record
  return row(id, ts, reason, mark === undefined ? '-' : words[mark.state], [tenant, type, assignment, code])
}

/** JSON that a terminal shows as it is. */
export function jsonRow(value: JsonObject): string {
  return oneJsonLine(objectText(value))
}

/** The same over several lines. */
export function jsonPage(value: JsonObject): string {
  return JSON.stringify(value, null, 2).split('\n').map(oneJsonLine).join('\n')
}

function row(id: string, ts: string, reason: string, mark: string, rest: readonly (string | undefined)[]): string {
  const fixed = [id.padEnd(widths.id), ts.padEnd(widths.ts), reason.padEnd(widths.reason), mark.padEnd(widths.mark)]
  return oneLine([...fixed, ...rest.map((text) => text ?? '-')].join('  '))
}
