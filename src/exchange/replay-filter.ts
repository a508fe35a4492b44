/** Which dead letters somebody asks for. Pure. */
import { duration } from '../config/kinds.ts'
import type { DeadLetterReason } from '../protocol/dead-letter.ts'
import type { KeptDeadLetter, ReplayMark } from '../store/dead-letter-store.ts'

/** What is undefined does not narrow. */
export interface DeadLetterFilter {
  readonly reasons?: ReadonlySet<DeadLetterReason> | undefined
  /** In the spelling of whoever sent the job. */
  readonly type?: string | undefined
  readonly tenant?: string | undefined
  /** Not older than this, in milliseconds since 1970. */
  readonly sinceMs?: number | undefined
  /** Older than this, in milliseconds since 1970. */
  readonly beforeMs?: number | undefined
  readonly state?: ReplayState | undefined
}

/** What became of an entry: nothing yet, or a replay that was begun and may have been sent, or one that was sent. */
type ReplayState = 'open' | 'begun' | 'replayed'

const states: readonly ReplayState[] = ['open', 'begun', 'replayed']

/** What states may be asked for, in words. */
export const acceptedStates = states.join(' or ')

const reasonList: readonly DeadLetterReason[] = [
  'PARSE_ERROR',
  'DECODE_ERROR',
  'REJECTED',
  'JOB_FAILED',
  'EXPIRED',
  'MAX_DELIVERIES',
  'PUBLISH_ERROR',
  'INTERRUPTED',
]

/** What reasons may be asked for, in words. */
export const acceptedReasons = `one or more of ${reasonList.join(', ')}, separated by commas`

/** What times may be asked for, in words. */
export const acceptedTimes = 'a time such as 30m, 2h or 3d ago, or as RFC 3339 has it'

const ago = duration('1ms', '36500d')

/** What somebody wrote for each field of a filter. */
type FilterTexts = Readonly<
  Partial<Record<'reason' | 'type' | 'tenant' | 'since' | 'before' | 'state', string | undefined>>
>

/** Makes the error for a field that was written as it may not be; `accepts` says how it may. */
type Refuse = (field: keyof FilterTexts, accepts: string, text: string) => Error

/** Reads a filter. Throws what `refuse` makes. */
export function readFilter(texts: FilterTexts, nowMs: number, refuse: Refuse): DeadLetterFilter {
  const read = <T>(field: keyof FilterTexts, parse: (text: string) => T | undefined, accepts: string) => {
    const text = texts[field]
    if (text === undefined) return undefined
    const parsed = parse(text)
    if (parsed === undefined) throw refuse(field, accepts, text)
    return parsed
  }
  return {
    reasons: read('reason', readReasons, acceptedReasons),
    type: texts.type,
    tenant: texts.tenant,
    sinceMs: read('since', (text) => readTime(text, nowMs), acceptedTimes),
    beforeMs: read('before', (text) => readTime(text, nowMs), acceptedTimes),
    state: read('state', readState, acceptedStates),
  }
}

/** Reads reasons; undefined when one of them is none. */
export function readReasons(text: string): ReadonlySet<DeadLetterReason> | undefined {
  const words = text.split(',').map((word) => word.trim().toUpperCase())
  const found = words.flatMap((word) => reasonList.find((reason) => reason === word) ?? [])
  return found.length === words.length ? new Set(found) : undefined
}

/** Reads a state; undefined when it is none. */
function readState(text: string): ReplayState | undefined {
  return states.find((state) => state === text.toLowerCase())
}

/** Reads a time, as so long before `nowMs` or as a date; undefined when it is neither. */
export function readTime(text: string, nowMs: number): number | undefined {
  const date = /^(\d{4}-\d\d-\d\d)([Tt ]([01]\d|2[0-3]):\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d))?$/.exec(text)
  if (date !== null) {
    const time = Date.parse(text.replace(' ', 'T').toUpperCase())
    return Number.isNaN(time) || !isDay(date[1]) ? undefined : time
  }
  const parsed = ago.schema.safeParse(text)
  return parsed.success ? nowMs - parsed.data : undefined
}

/** Whether there is such a day: Date.parse takes the 30th of February for the 2nd of March. */
function isDay(text = ''): boolean {
  const midnight = Date.parse(text)
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(text)
}

/** Whether an entry is asked for. */
export function isAskedFor({ record, mark }: KeptDeadLetter, filter: DeadLetterFilter): boolean {
  const { reasons, type, tenant, sinceMs, beforeMs, state } = filter
  if (reasons !== undefined && !reasons.has(record.reason)) return false
  if (type !== undefined && record.job_type !== type) return false
  if (tenant !== undefined && record.tenant_id !== tenant) return false
  if (state !== undefined && stateOf(mark) !== state) return false
  if (sinceMs === undefined && beforeMs === undefined) return true
  const time = Date.parse(record.ts)
  return !(sinceMs !== undefined && time < sinceMs) && !(beforeMs !== undefined && time >= beforeMs)
}

/** What a mark means to who looks for something to replay. */
function stateOf(mark: ReplayMark | undefined): ReplayState {
  if (mark === undefined || mark.state === 'failed') return 'open'
  return mark.state === 'done' ? 'replayed' : 'begun'
}
