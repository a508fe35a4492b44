/** What a log line looks like. Pure. */
import { oneJsonLine } from '../lib/one-line.ts'
import type { Mask } from '../lib/secret-mask.ts'
import { redact, redactText } from './redact.ts'

/** How much is logged: this and everything graver. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What a line may say beside its message; the names are those on the line. */
export interface LogFields {
  readonly request_id?: string | undefined
  /** Also appears as `job_id`. */
  readonly assignment_id?: string | undefined
  readonly tenant_id?: string | undefined
  readonly trace_id?: string | undefined
  readonly job_type?: string | undefined
  readonly status?: string | undefined
  readonly duration_ms?: number | undefined
  readonly error_code?: string | undefined
  /** Anything else; redacted. Never a payload, never header values. */
  readonly context?: Readonly<Record<string, unknown>> | undefined
  /** Whatever was thrown: its name and message appear as `context.error`, at level debug its stack too. */
  readonly error?: unknown
}

/** Who writes, and at which level: the part of a line that a logger prepares once. */
export interface Heading {
  readonly level: LogLevel
  readonly component: string
  readonly workerId: string
  /** Errors show where they come from. */
  readonly stacks: boolean
  /** Is applied to values that are text, never to the line's own names. */
  readonly mask: Mask
}

/** Makes lines of one heading. `timestamp` is RFC 3339 in UTC with six decimals. */
export type LineMaker = (timestamp: string, message: string, fields: LogFields) => string

/** Lines for machines: one JSON object, its keys in the documented order. */
export function jsonLines(heading: Heading): LineMaker {
  const { level, component, workerId, stacks, mask } = heading
  const names = `"component":${quoted(component)},"worker_id":${quoted(workerId)}`
  const middle = `","level":"${level.toUpperCase()}",${names},"message":`
  return (timestamp, message, fields) => {
    let line = `{"timestamp":"${timestamp}${middle}${quoted(message)}`
    if (fields.assignment_id !== undefined) line += `,"job_id":${quoted(fields.assignment_id)}`
    for (const name of scalars) {
      const value = fields[name]
      if (value !== undefined) line += `,"${name}":${typeof value === 'number' ? rounded(value) : quoted(value)}`
    }
    return mask.json(`${line},"context":${contextText(fields, stacks)}}`, 'keys and numbers')
  }
}

/** Lines for people: time, level, component, message, then what else there is. Never more than one line. */
export function prettyLines({ level, component, stacks, mask }: Heading): LineMaker {
  const masked = (text: string): string => plain(mask.text(text))
  const heading = `${level.toUpperCase().padEnd(5)} ${component}`
  return (timestamp, message, fields) => {
    const parts = [`${timestamp.slice(11, 23)} ${heading}: ${masked(message)}`]
    for (const name of scalars) {
      const value = fields[name]
      if (value !== undefined) parts.push(`${name}=${typeof value === 'number' ? rounded(value) : masked(value)}`)
    }
    const context = mask.json(contextText(fields, stacks), 'keys and numbers')
    if (context !== '{}') parts.push(oneJsonLine(context))
    return parts.join(' ')
  }
}

/** The fields of a line: what its logger carries, and what the call adds; the call wins, contexts are put together. */
export function mergeFields(bound: LogFields, added: LogFields | undefined): LogFields {
  if (added === undefined) return bound
  const merged: Record<string, unknown> = { ...bound }
  for (const [name, value] of Object.entries(added)) if (value !== undefined) merged[name] = value
  if (bound.context !== undefined && added.context !== undefined)
    merged['context'] = { ...bound.context, ...added.context }
  return merged
}

const scalars = [
  'assignment_id',
  'request_id',
  'tenant_id',
  'trace_id',
  'job_type',
  'status',
  'duration_ms',
  'error_code',
] as const satisfies readonly (keyof LogFields)[]

function contextText({ context, error }: LogFields, stacks: boolean): string {
  if (context === undefined && error === undefined) return '{}'
  // The copy of a record is a record; `redact` cannot say so in its type.
  const copy = { ...(redact(context ?? {}) as Record<string, unknown>) }
  if (error !== undefined) copy['error'] = errorText(error, stacks)
  return JSON.stringify(copy)
}

function errorText(error: unknown, stacks: boolean): unknown {
  const copy = redact(error)
  if (!(error instanceof Error) || typeof copy !== 'object' || !stacks) return copy
  return { ...copy, stack: redact(readStack(error)) }
}

function readStack(error: Error): unknown {
  try {
    return error.stack
  } catch {
    return undefined
  }
}

function quoted(text: string): string {
  return JSON.stringify(redactText(text))
}

function plain(text: string): string {
  return redactText(text).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function rounded(value: number): number | null {
  const thousandths = Math.round(value * 1000) / 1000
  return Number.isFinite(thousandths) ? thousandths : null
}
