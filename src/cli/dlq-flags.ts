/** What the flags of `beamline dlq` ask for. */
import { wholeNumber } from '../config/kinds.ts'
import { type DeadLetterFilter, readFilter } from '../exchange/replay-filter.ts'
import { type Flag, UsageError } from './command.ts'

type Value = (flag: string) => string | undefined

export const dlqFlags: readonly Flag[] = [
  { name: 'reason', value: 'REASON', summary: 'Only these: JOB_FAILED, PUBLISH_ERROR …, several separated by commas.' },
  { name: 'type', value: 'TYPE', summary: 'Only of this job type.' },
  { name: 'tenant', value: 'ID', summary: 'Only of this tenant.' },
  { name: 'since', value: 'TIME', summary: 'Only from then on: 2h (ago), or 2026-01-31T12:00:00Z.' },
  { name: 'before', value: 'TIME', summary: 'Only older ones, written likewise.' },
  { name: 'state', value: 'STATE', summary: 'Only open, begun (may have been sent) or replayed ones.' },
  { name: 'limit', value: 'N', summary: 'The most that are shown or sent (1000), the newest of them.' },
  { name: 'json', summary: 'A line of JSON for each.' },
  { name: 'dry-run', summary: 'Says what would be sent or removed.' },
  { name: 'force', summary: 'Sends also what was sent before, or may have been.' },
  { name: 'yes', summary: 'Lets purge remove.' },
]

const limitKind = wholeNumber(1, 1_000_000)
const usualLimit = 1000

/** What --reason and the others ask for. Throws UsageError. */
export function flaggedFilter(value: Value, nowMs: number): DeadLetterFilter {
  const texts = {
    reason: value('reason'),
    type: value('type'),
    tenant: value('tenant'),
    since: value('since'),
    before: value('before'),
    state: value('state'),
  }
  return readFilter(texts, nowMs, misused)
}

/** --limit, or 1000. Throws UsageError. */
export function readLimit(value: Value): number {
  const text = value('limit')
  if (text === undefined) return usualLimit
  const { data } = limitKind.schema.safeParse(text)
  if (data === undefined) throw misused('limit', limitKind.accepts, text)
  return data
}

function misused(flag: string, accepts: string, text: string): UsageError {
  return new UsageError(`--${flag}: expected ${accepts}, not "${text}"`)
}
