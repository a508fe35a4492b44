/** What a worker must be allowed, by its settings and by what is there already. Pure. */
import { createInbox } from '@nats-io/nats-core'
import type { Config } from '../config/schema.ts'
import { approvalWords } from '../protocol/subjects.ts'
import type { DeadLetterPlace } from './dead-letter-look.ts'
import { sampleSubjects } from './dead-letter-streams.ts'
import { recordStream, recordSubject } from './give-back-records.ts'
import { resultStream } from './provision.ts'
import { stateStream } from './state-bucket.ts'
import type { StateBucket } from './state-look.ts'
import { stateSubject } from './state-records.ts'
import type { Stored } from './stored.ts'

type NeedingConfig = Pick<Config, 'jetstream' | 'subjects' | 'wire'>

/** What is published and heard, the least harmful subject first. */
interface Needed {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

/** What there is already of what a worker uses. */
interface There {
  readonly stored: Stored
  readonly state: StateBucket | undefined
  readonly deadLetters: DeadLetterPlace | undefined
}

/** The subjects of a worker with these settings that finds this. What is there already need not be made. */
export function neededSubjects(config: NeedingConfig, { stored, state, deadLetters }: There): Needed {
  const { publish, subscribe } = neededForJobs(config, stored)
  return { publish: [...publish, ...neededForState(state), ...neededForDeadLetters(deadLetters)], subscribe }
}

/** Writing, reading and replaying them; `dlq purge` needs STREAM.MSG.DELETE and STREAM.PURGE, which are not asked for. */
function neededForDeadLetters(place: DeadLetterPlace | undefined): readonly string[] {
  if (place?.kind !== 'there') return []
  const { entry, rejected, mark } = sampleSubjects(place.names)
  const asked = [...place.found, ...place.missing].flatMap((stream) => [
    `STREAM.INFO.${stream}`,
    `STREAM.MSG.GET.${stream}`,
    `CONSUMER.CREATE.${stream}`,
    `CONSUMER.MSG.NEXT.${stream}.check`,
  ])
  const made = place.missing.map((stream) => `STREAM.CREATE.${stream}`)
  return [entry, rejected, mark, ...[...asked, ...made].map((question) => `$JS.API.${question}`)]
}

/** Clearing away the marks of what was removed is wanted too, but to ask for that would not be harmless. */
function neededForState(state: StateBucket | undefined): readonly string[] {
  if (state === undefined) return []
  const asked = [
    `STREAM.INFO.${stateStream}`,
    `STREAM.MSG.GET.${stateStream}`,
    `CONSUMER.CREATE.${stateStream}`,
    ...(state.kind === 'missing' ? [`STREAM.CREATE.${stateStream}`] : []),
  ]
  return [...asked.map((question) => `$JS.API.${question}`), stateSubject('approval.check')]
}

function neededForJobs({ subjects, wire, jetstream }: NeedingConfig, stored: Stored): Needed {
  const { assign, ack, result, heartbeat, deadLetter, cancel, approval } = subjects
  const approvals = (words: readonly string[]): readonly string[] => words.map((word) => `${approval}.${word}`)
  const own = [heartbeat, deadLetter, ...approvals(approvalWords.sent), ...(wire.acks ? [ack] : []), result]
  const hears = [createInbox(), cancel, ...approvals(approvalWords.heard)]
  const required = jetstream.mode === 'require'
  if (stored.kind !== 'there' || (stored.assignments === undefined && !required))
    return { publish: [...own, assign], subscribe: [...hears, assign] }
  const { assignments, results, records } = stored
  const stream = assignments?.name ?? jetstream.stream
  const { consumer } = jetstream
  const record = recordSubject({ stream, created: assignments?.created ?? '0', consumer }, 1)
  const asked = [
    'STREAM.NAMES',
    `STREAM.INFO.${stream}`,
    `CONSUMER.INFO.${stream}.${consumer}`,
    `STREAM.INFO.${recordStream}`,
    `STREAM.MSG.GET.${recordStream}`,
    `CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    ...(assignments === undefined ? [`STREAM.CREATE.${stream}`] : []),
    ...(assignments?.consumer === undefined ? [`CONSUMER.CREATE.${stream}.${consumer}.${assign}`] : []),
    ...(records ? [] : [`STREAM.CREATE.${recordStream}`]),
    ...(required && results === undefined
      ? [`STREAM.CREATE.${resultStream.name}`, `STREAM.INFO.${resultStream.name}`]
      : []),
  ]
  return {
    publish: [
      ...own,
      ...asked.map((question) => `$JS.API.${question}`),
      `$JS.ACK.${stream}.${consumer}.1.1.1.1.0`,
      record,
    ],
    subscribe: hears,
  }
}
