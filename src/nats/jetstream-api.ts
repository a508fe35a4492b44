/** Questions to JetStream, with answers that tell "no" from "not known". */

import { JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { jserrors } from '@nats-io/jetstream/internal'
import { errors, type NatsConnection } from '@nats-io/nats-core'

/** An answer that has not come by then, in milliseconds, is not known. */
const answerLimitMs = 5_000

/** Server error codes that say for certain that there is no JetStream here. */
const notEnabledCodes: ReadonlySet<number> = new Set([10039, 10076])

/** Somebody else has written since: one code for each way of saying it. */
const wrongSequenceCodes: ReadonlySet<number> = new Set([10071, 10164])

/** How questions are asked: nothing beforehand, and not for ever. */
export const apiOptions = { checkAPI: false, timeout: answerLimitMs } as const

/** The manager of one connection; asks the server nothing by itself. */
export function openManager(nats: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(nats, apiOptions)
}

/** Why a question has no answer: a definite "there is none", or anything that may be different the next time. */
export type Absence = 'no-jetstream' | 'not-found' | 'not-known'

/** What a failed question means. */
export function absence(error: unknown): Absence {
  if (error instanceof jserrors.JetStreamNotEnabled) return 'no-jetstream'
  if (!(error instanceof JetStreamApiError)) return 'not-known'
  if (notEnabledCodes.has(error.code)) return 'no-jetstream'
  return error instanceof jserrors.StreamNotFoundError || error instanceof jserrors.ConsumerNotFoundError
    ? 'not-found'
    : 'not-known'
}

/** In a few words, for readiness and logs. */
export function reasonOf(error: unknown): string {
  if (error instanceof errors.TimeoutError) return 'JetStream does not answer'
  return error instanceof Error ? error.message : 'unknown'
}

/** Asks, and gives undefined for a definite no. Rejects when it is not known. */
export async function unlessAbsent<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question
  } catch (error) {
    if (absence(error) === 'not-known') throw error
    return undefined
  }
}

/** Whether a write was refused because the subject's last message is not the expected one. */
export function isWrongSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && wrongSequenceCodes.has(error.code)
}
