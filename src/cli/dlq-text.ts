/** Dead letters as text for people. Pure. */
import { oneJsonLine, oneLine } from '../lib/one-line.ts'
import { type JsonObject, jsonText, objectText } from '../protocol/json.ts'
import type { KeptDeadLetter } from '../store/dead-letter-store.ts'

/** Each level costs every line beneath it two spaces. */
const deepestIndent = 12

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

/** The same over several lines; what is nested deeper than can be read is on one line, however deep that is. */
export function jsonPage(value: JsonObject): string {
  return pageOf(value, 0)
}

function pageOf(value: unknown, depth: number): string {
  const isNested = typeof value === 'object' && value !== null && depth < deepestIndent
  if (!isNested) return oneJsonLine(jsonText(value) ?? 'null')
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const parts = Array.isArray(value)
    ? value.map((each: unknown) => pageOf(each, depth + 1))
    : Object.entries(value).flatMap(([key, each]) =>
        each === undefined ? [] : [`${pageOf(key, depth)}: ${pageOf(each, depth + 1)}`],
      )
  if (parts.length === 0) return `${open}${close}`
  const indent = `\n${'  '.repeat(depth)}`
  return `${open}${parts.map((part) => `${indent}  ${part}`).join(',')}${indent}${close}`
}

function row(id: string, ts: string, reason: string, mark: string, rest: readonly (string | undefined)[]): string {
  const fixed = [id.padEnd(widths.id), ts.padEnd(widths.ts), reason.padEnd(widths.reason), mark.padEnd(widths.mark)]
  return oneLine([...fixed, ...rest.map((text) => text ?? '-')].join('  '))
}
