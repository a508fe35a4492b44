/** Looks at NATS as a worker would find it, and changes nothing: for `beamline check`. */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream'
import { AuthorizationError, ConnectionError, createInbox, type NatsConnection } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import type { Subjects } from '../protocol/subjects.ts'
import type { Refusal } from './connection.ts'
import { absence, openManager, reasonOf, unlessAbsent } from './jetstream-api.ts'
import { forbidden } from './permission-probe.ts'
import { covers, unusable } from './provision.ts'
import { readSignIn } from './sign-in.ts'

/** How long connecting may take, in milliseconds. */
const connectLimitMs = 4_000

type InspectedConfig = Pick<Config, 'nats' | 'jetstream' | 'subjects' | 'wire'>

/** How the server received us. `refused`: it does not take the sign-in; `unsafe`: TLS could not be agreed on. */
export type Contact =
  | { readonly kind: 'connected'; readonly server: string; readonly version: string }
  | { readonly kind: 'refused' | 'unsafe' | 'unreachable'; readonly reason: string }

/** The stream that assignments arrive in. */
export interface AssignmentStream {
  readonly name: string
  readonly retention: string
  /** Which other subjects of ours it captures too. */
  readonly alsoCaptures: readonly (keyof Subjects)[]
  /** The consumer the fleet shares: undefined when it is not there yet; `problem` when it cannot be used. */
  readonly consumer: { readonly problem: string | undefined } | undefined
}

/** What JetStream holds for us. */
export type Stored =
  | { readonly kind: 'off' | 'none' }
  | { readonly kind: 'unknown'; readonly reason: string }
  | {
      readonly kind: 'there'
      readonly assignments: AssignmentStream | undefined
      /** The name of the stream that captures the results. */
      readonly results: string | undefined
    }

/** Everything that was found; what comes after the contact only when there is one. */
export interface Inspection {
  readonly contact: Contact
  readonly stored?: Stored
  /** Undefined when the server cannot be asked. */
  readonly forbidden?: readonly Refusal[] | undefined
}

/** Connects, looks, and leaves. Rejects with ConfigError when a file that the settings name cannot be used. */
export async function inspectNats(config: InspectedConfig, clock: Clock): Promise<Inspection> {
  const signIn = await readSignIn(config.nats)
  let nats: NatsConnection
  try {
    nats = await connect({ ...signIn, name: 'beamline check', timeout: connectLimitMs, reconnect: false })
  } catch (error) {
    return { contact: contactFailure(error) }
  }
  const contact = { kind: 'connected', server: nats.getServer(), version: nats.info?.version ?? 'unknown' } as const
  const stored = await lookAtStreams(nats, config)
  const refused = await forbidden({ nats, ...needed(config, stored), clock })
  return { contact, stored, forbidden: refused }
}

function contactFailure(error: unknown): Contact {
  const reason = error instanceof Error ? error.message : String(error)
  if (error instanceof AuthorizationError) return { kind: 'refused', reason }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const tls = /CERT|TLS|SSL|SIGNATURE/.test(code) || (error instanceof ConnectionError && /tls/i.test(reason))
  return { kind: tls ? 'unsafe' : 'unreachable', reason }
}

async function lookAtStreams(nats: NatsConnection, config: InspectedConfig): Promise<Stored> {
  if (config.jetstream.mode === 'off') return { kind: 'off' }
  try {
    const manager = await openManager(nats)
    // A user whose permissions hide this answer may still be allowed what follows.
    await manager.getAccountInfo().catch((error: unknown) => {
      if (absence(error) === 'no-jetstream') throw error
    })
    const assignments = await capturing(manager, config.subjects.assign)
    const results = await capturing(manager, config.subjects.result)
    return {
      kind: 'there',
      assignments: assignments && (await lookAtStream(manager, assignments, config)),
      results: results?.config.name,
    }
  } catch (error) {
    return absence(error) === 'no-jetstream' ? { kind: 'none' } : { kind: 'unknown', reason: reasonOf(error) }
  }
}

async function capturing(manager: JetStreamManager, subject: string): Promise<StreamInfo | undefined> {
  const name = await unlessNotFound(manager.streams.find(subject))
  return name === undefined ? undefined : unlessNotFound(manager.streams.info(name))
}

async function unlessNotFound<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question
  } catch (error) {
    if (absence(error) !== 'not-found') throw error
    return undefined
  }
}

async function lookAtStream(
  manager: JetStreamManager,
  { config: stream }: StreamInfo,
  { jetstream, subjects }: InspectedConfig,
): Promise<AssignmentStream> {
  const info = await unlessAbsent(manager.consumers.info(stream.name, jetstream.consumer))
  // The keys of an object that is typed by its keys.
  const names = Object.keys(subjects) as (keyof Subjects)[]
  const captured = (name: keyof Subjects): boolean =>
    name !== 'assign' && stream.subjects.some((pattern) => covers(pattern, subjects[name]))
  return {
    name: stream.name,
    retention: stream.retention,
    alsoCaptures: names.filter(captured),
    consumer: info && { problem: unusable(info, subjects.assign) },
  }
}

/** What a worker with these settings publishes and hears, the least harmful subject first. */
function needed({ subjects, wire, jetstream }: InspectedConfig, stored: Stored) {
  const { assign, ack, result, heartbeat, deadLetter, cancel } = subjects
  const stream = stored.kind === 'there' ? stored.assignments?.name : undefined
  const own = [heartbeat, deadLetter, ...(wire.acks ? [ack] : []), result]
  return stream === undefined
    ? { publish: [...own, assign], subscribe: [createInbox(), cancel, assign] }
    : {
        publish: [
          ...own,
          `$JS.API.CONSUMER.MSG.NEXT.${stream}.${jetstream.consumer}`,
          `$JS.ACK.${stream}.${jetstream.consumer}.1.1.1.1.0`,
        ],
        subscribe: [createInbox(), cancel],
      }
}
