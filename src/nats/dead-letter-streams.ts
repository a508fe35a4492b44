/** The streams that a fleet keeps its dead letters in: found, or made when they are missing. Changes none that is there. */
import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { type NatsConnection, nanos } from '@nats-io/nats-core'
import type { Config } from '../config/schema.ts'
import { covers } from './consumer-fitness.ts'
import { type DeadLetterNames, entrySubject, markSubject } from './dead-letter-names.ts'
import { absence, openManager, reasonOf } from './jetstream-api.ts'

/** How much the streams may hold when they are made, and how safely. */
export interface DeadLetterLimits extends Pick<Config['deadLetters'], 'totalMaxBytes' | 'maxAgeDays'> {
  readonly replicas: number
}

/** The streams as they were found; one and the same where one captures everything. */
export interface DeadLetterStreams {
  readonly main: StreamInfo
  readonly rejected: StreamInfo
}

const dayMs = 24 * 3_600_000
/** Callers' faults must not push out what an operator has to replay. */
const rejectedShare = 10

/** Finds the streams, and makes what is missing. Rejects with the reason in words. */
export async function openDeadLetterStreams(
  nats: NatsConnection,
  names: DeadLetterNames,
  limits: DeadLetterLimits,
): Promise<DeadLetterStreams> {
  const manager = await openManager(nats)
  const sample = sampleSubjects(names)
  const main =
    (await findStream(manager, names.stream)) ??
    (await make(manager, wanted(names.stream, [names.entries, names.marks], limits, 1)))
  requireUsable(main, [sample.entry, sample.mark])
  if (captures(main, sample.rejected)) return { main, rejected: main }
  const rejected =
    (await findStream(manager, names.rejectedStream)) ??
    (await make(manager, wanted(names.rejectedStream, [names.rejected], limits, rejectedShare)))
  requireUsable(rejected, [sample.rejected])
  return { main, rejected }
}

/** The stream of that name; undefined when there is none. Rejects when it is not known. */
export async function findStream(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name)
  } catch (error) {
    if (absence(error) !== 'not-found') throw error
    return undefined
  }
}

/** Subjects as they would be written to. */
export function sampleSubjects(names: DeadLetterNames) {
  const id = '0'.repeat(26)
  return {
    entry: entrySubject(names, id, false),
    rejected: entrySubject(names, id, true),
    mark: markSubject(names, 'check'),
  }
}

/** Whether a stream stores what is published on a subject. */
export function captures({ config }: StreamInfo, subject: string): boolean {
  return config.subjects?.some((pattern) => covers(pattern, subject)) ?? false
}

/** Why a stream that somebody else has made cannot keep dead letters on these subjects; undefined: it can. */
export function streamProblem(info: StreamInfo, subjects: readonly string[]): string | undefined {
  const { config } = info
  const missing = subjects.filter((subject) => !captures(info, subject))
  if (missing.length > 0) return `it does not capture ${missing.map(family).join(' and ')}`
  if (config.retention !== RetentionPolicy.Limits) return `its retention is ${config.retention}, not limits`
  if (config.no_ack === true) return 'it confirms nothing (no_ack)'
  if (config.sealed) return 'it is sealed'
  return undefined
}

/** Why a stream that can be used may lose what is in it; undefined: it does not, within its limits. */
export function streamFault({ config }: StreamInfo): string | undefined {
  return config.storage === StorageType.File ? undefined : 'it is kept in memory, so a restart of the server loses it'
}

function requireUsable(info: StreamInfo, subjects: readonly string[]): void {
  const problem = streamProblem(info, subjects)
  if (problem !== undefined) throw new Error(`the stream ${info.config.name} cannot keep dead letters: ${problem}`)
}

function family(subject: string): string {
  return subject.replace(/[^.]+$/, '*')
}

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name'>

function wanted(name: string, subjects: string[], limits: DeadLetterLimits, share: number): Wanted {
  const { totalMaxBytes, maxAgeDays, replicas } = limits
  return {
    name,
    subjects,
    description: 'Dead letters of Beamline workers, and what was replayed of them.',
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
    max_bytes: Math.floor(totalMaxBytes / share),
    // Of what was written down of a job's replays the last word counts; an entry has a subject of its own.
    max_msgs_per_subject: 1,
    ...(maxAgeDays === undefined ? {} : { max_age: nanos(maxAgeDays * dayMs) }),
  }
}

/** Makes a stream, or finds that somebody else just has. */
async function make(manager: JetStreamManager, stream: Wanted): Promise<StreamInfo> {
  try {
    await manager.streams.add(stream)
    return await manager.streams.info(stream.name)
  } catch (cause) {
    if (absence(cause) === 'no-jetstream') throw cause
    const found = await findStream(manager, stream.name).catch(() => undefined)
    if (found !== undefined) return found
    throw new Error(`the stream ${stream.name} is missing and cannot be made: ${reasonOf(cause)}`, { cause })
  }
}
