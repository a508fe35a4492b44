/** A dead letter that is too large for its file. */
import { type DeadLetter, type DeadLetterContents, deadLetterLine } from './dead-letter.ts'
import { jsonText } from './json.ts'

/** More than any honest id or name has. */
const longestText = 256

const contents: readonly DeadLetterContents[] = ['headers', 'assignment', 'result', 'raw']

/**
 * The line of a record, newline included, of at most so many bytes: the largest contents are left out until it fits, and
 * what was left out is said in the record. Then texts of callers are cut, which are short as long as they are honest.
 */
export function fittingLine(
  record: DeadLetter,
  mostBytes: number,
): { readonly line: Buffer; readonly kept: DeadLetter } {
  const line = Buffer.from(deadLetterLine(record))
  if (line.length <= mostBytes) return { line, kept: record }
  const sizes = contents.map((field) => ({ field, bytes: Buffer.byteLength(jsonText(record[field]) ?? '') }))
  const [largest] = sizes.toSorted((a, b) => b.bytes - a.bytes)
  if (largest === undefined || largest.bytes === 0) {
    const head = withShortTexts(record)
    return { line: Buffer.from(deadLetterLine(head)), kept: head }
  }
  const omitted = [...(record.omitted ?? []), largest]
  return fittingLine({ ...record, [largest.field]: undefined, omitted }, mostBytes)
}

function withShortTexts(record: DeadLetter): DeadLetter {
  const short = (text: string | undefined): string | undefined => text?.slice(0, longestText)
  const { assignment_id: id, tenant_id: tenant, job_type: type, trace_id: trace } = record
  const texts = [
    ['assignment_id', short(id)],
    ['tenant_id', short(tenant)],
    ['job_type', short(type)],
    ['trace_id', short(trace)],
  ] as const
  return { ...record, ...Object.fromEntries(texts) }
}
