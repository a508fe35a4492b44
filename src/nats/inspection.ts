/** Looks at NATS as a worker would find it, and changes nothing: for `beamline check`. */
import { AuthorizationError, ConnectionError, type NatsConnection } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import { intendedStore } from '../store/open-state-store.ts'
import type { Refusal } from './connection.ts'
import { type DeadLetterPlace, lookAtDeadLetters } from './dead-letter-look.ts'
import { deadLetterNames } from './dead-letter-names.ts'
import { neededSubjects } from './needed-subjects.ts'
import { forbidden } from './permission-probe.ts'
import { readSignIn } from './sign-in.ts'
import { lookAtState, type StateBucket } from './state-look.ts'
import { lookAtStreams, type Stored } from './stored.ts'

/** How long connecting may take, in milliseconds. */
const connectLimitMs = 4_000

type InspectedConfig = Pick<Config, 'nats' | 'jetstream' | 'subjects' | 'wire' | 'state' | 'deadLetters'>

/** How the server received us. `refused`: it does not take the sign-in; `unsafe`: TLS could not be agreed on. */
export type Contact =
  | { readonly kind: 'connected'; readonly server: string; readonly version: string }
  | { readonly kind: 'refused' | 'unsafe' | 'unreachable'; readonly reason: string }

/** Everything that was found; what comes after the contact only when there is one. */
export interface Inspection {
  readonly contact: Contact
  readonly stored?: Stored
  /** The bucket of the state, when this worker would use it. */
  readonly state?: StateBucket
  /** The streams of dead letters, when this worker would use them. */
  readonly deadLetters?: DeadLetterPlace
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
  const state = usesBucket(config, stored) ? await lookAtState(nats) : undefined
  const deadLetters = await lookAtStreamFor(nats, config)
  const refused = await forbidden({ nats, ...neededSubjects(config, { stored, state, deadLetters }), clock })
  return { contact, stored, ...(state && { state }), ...(deadLetters && { deadLetters }), forbidden: refused }
}

async function lookAtStreamFor(
  nats: NatsConnection,
  { deadLetters: { stream }, subjects }: InspectedConfig,
): Promise<DeadLetterPlace | undefined> {
  return stream === undefined ? undefined : lookAtDeadLetters(nats, deadLetterNames(stream, subjects.deadLetter))
}

function usesBucket(config: InspectedConfig, stored: Stored): boolean {
  const byItself = intendedStore(config)
  if (byItself !== undefined) return byItself === 'nats'
  return stored.kind === 'there' && stored.assignments !== undefined
}

function contactFailure(error: unknown): Contact {
  const reason = error instanceof Error ? error.message : String(error)
  if (error instanceof AuthorizationError) return { kind: 'refused', reason }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const tls = /CERT|TLS|SSL|SIGNATURE/.test(code) || (error instanceof ConnectionError && /tls/i.test(reason))
  return { kind: tls ? 'unsafe' : 'unreachable', reason }
}
