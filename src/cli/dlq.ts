import { isAskedFor } from '../exchange/replay-filter.ts'
import type { PlannedReplay } from '../exchange/replay-plan.ts'
import { oneLine } from '../lib/one-line.ts'
import { StoreError } from '../store/state-store.ts'
import { type Command, type Invocation, UsageError } from './command.ts'
import { dlqFlags, flaggedFilter, readLimit } from './dlq-flags.ts'
import { listDeadLetters, showDeadLetter } from './dlq-list.ts'
import { caller, type DlqPlace, openPlace, Unreachable } from './dlq-place.ts'
import { purgeDeadLetters } from './dlq-purge.ts'
import { replayDeadLetters } from './dlq-replay.ts'
import { exitCodes } from './exit-code.ts'

const words = ['list', 'show', 'replay', 'purge'] as const
type Word = (typeof words)[number]

/** Which flags mean something to which word; `json` to all but purge. */
const meaningless: Readonly<Record<Word, readonly string[]>> = {
  list: ['dry-run', 'force', 'yes'],
  show: ['reason', 'type', 'tenant', 'since', 'before', 'state', 'limit', 'dry-run', 'force', 'yes'],
  replay: ['yes'],
  purge: ['force', 'json'],
}

const idForm = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

export const dlq: Command = {
  name: 'dlq',
  operands: 'list | show ID | replay [ID…] | purge [ID…]',
  summary: 'Shows dead letters, sends their jobs and results again, removes them.',
  details: `Reads the files at DLQ_PATH, with DLQ_STREAM the stream too; newest first. "replay" sends a job again under
the id <assignment_id>.r<n>, a result that could not be published (PUBLISH_ERROR) as it is. Nothing is sent
twice without --force; of several dead letters of one job the newest stands for all. What was the caller's
own fault is replayed only when its id or its reason is named. Ends with 1 when something could not be
replayed, with 3 when NATS cannot be reached. "purge" removes for good, and only with --yes.`,
  flags: dlqFlags,
  examples: [
    'beamline dlq list --since 2h --reason JOB_FAILED',
    'beamline dlq replay --dry-run --type http.request',
    'beamline dlq replay 01JZ0000000000000000000000',
    'beamline dlq purge --state replayed --before 30d --yes',
  ],
  async run(invocation) {
    const { operands, has } = invocation
    const { asked, ids } = readOperands(operands)
    for (const flag of meaningless[asked]) {
      if (has(flag)) throw new UsageError(`dlq ${asked} takes no --${flag}`)
    }
    refuseNoIds(ids)
    const todo = prepare(asked, ids, invocation)
    const isSending = asked === 'replay' && !has('dry-run')
    try {
      await using place = await openPlace(invocation, isSending ? 'replay' : 'look')
      return await todo(place)
    } catch (error) {
      return endOf(error, asked, invocation)
    }
  },
}

function readOperands([word, ...ids]: readonly string[]): { readonly asked: Word; readonly ids: readonly string[] } {
  const asked = words.find((each) => each === word)
  if (asked === undefined) throw new UsageError(`dlq takes one of ${words.join(', ')}`)
  if (asked === 'list' && ids.length > 0) throw new UsageError('dlq list takes no id')
  if (asked === 'show' && ids.length !== 1) throw new UsageError('dlq show needs one id')
  return { asked, ids: ids.map((id) => id.toUpperCase()) }
}

function refuseNoIds(ids: readonly string[]): void {
  const wrong = ids.find((id) => !idForm.test(id))
  if (wrong === undefined) return
  throw new UsageError(`"${wrong}" is no id: it has 26 letters and digits, as dlq list shows them, with spaces between`)
}

/** What an error means to who called; throws those that nobody expected. */
function endOf(error: unknown, asked: Word, { output, ending, env }: Invocation): number {
  if (ending.signal.aborted && error === ending.signal.reason) {
    const left = asked === 'purge' ? '; what was removed before is gone, the rest is there' : ''
    // Whoever closed the pipe has seen enough.
    if (ending.code === exitCodes.done) output.complain(`beamline: interrupted${left}`)
    return exitCodes.failed
  }
  if (!(error instanceof Unreachable || error instanceof StoreError)) throw error
  const why = error instanceof Unreachable ? `NATS cannot be reached: ${error.message}` : error.message
  const hint = asked === 'replay' || isUnset(env['DLQ_STREAM']) ? '' : '; with DLQ_STREAM= it looks at the files alone'
  output.complain(oneLine(`beamline: ${why}${hint}`))
  return exitCodes.unreachable
}

function isUnset(value: string | undefined): boolean {
  return (value ?? '').trim() === ''
}

/** Reads the flags, so that wrong ones are told before anything is opened. */
function prepare(
  asked: Word,
  named: readonly string[],
  { has, value, output, ending, clock }: Invocation,
): (place: DlqPlace) => Promise<number> {
  const filter = flaggedFilter(value, clock.now())
  const limit = readLimit(value)
  const json = has('json')
  const { signal } = ending
  const ids = named.length > 0 ? new Set(named) : undefined
  switch (asked) {
    case 'list':
      return ({ store }) => listDeadLetters({ store, filter, limit, json, output, signal })
    case 'show':
      return ({ store }) => showDeadLetter(named[0] ?? '', { store, json, output, signal })
    case 'purge': {
      const kind = has('dry-run') ? 'count' : has('yes') ? 'remove' : 'ask'
      const most = value('limit') === undefined ? undefined : limit
      return ({ store }) => purgeDeadLetters({ store, filter, ids, limit: most, kind, output, signal })
    }
    case 'replay': {
      const force = has('force')
      const rejected = ids !== undefined || filter.reasons !== undefined
      const matches = (kept: Parameters<typeof isAskedFor>[0]): boolean => isAskedFor(kept, filter)
      const request = { ids, matches, rejected, force, limit: ids === undefined ? limit : ids.size }
      return async ({ store, replayer }) => {
        const order = { by: await caller(), force }
        const send = replayer && ((planned: PlannedReplay) => replayer.send(planned, order, signal))
        return replayDeadLetters({ store, request, send: has('dry-run') ? undefined : send, json, output, signal })
      }
    }
    default:
      return asked satisfies never
  }
}
