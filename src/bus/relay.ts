/**
 * Passing an assignment on where nothing is stored (core NATS, memory): the original bytes are published again, and what
 * the next holder must know travels in headers. Pure.
 */
import type { DeliveryHistory, MessageHeaders } from './bus.ts'

/** How often a full worker may pass an assignment on before it is refused. */
const maxHops = 3
/** As many tries as a job may ask for; a caller who writes more into the header must not end it untried. */
const mostAttempts = 100

const hop = 'Beamline-Hop'
const accepted = 'Beamline-Accepted'
const attempts = 'Beamline-Attempts'

/** What is known of the attempts and the ack of a delivery that is passed on. */
export interface Progress {
  readonly accepted?: boolean | undefined
  readonly attempts?: number | undefined
}

/** The headers of an assignment that a full worker offers to the others; undefined when its hops are used up. */
export function hopHeaders(headers: MessageHeaders, progress: Progress): MessageHeaders | undefined {
  const hops = count(headers[hop])
  return hops >= maxHops ? undefined : { ...passedOnHeaders(headers, progress), [hop]: String(hops + 1) }
}

/** The headers of an assignment that is given back: the caller's own, without those a server would act upon. */
export function passedOnHeaders(headers: MessageHeaders, progress: Progress): MessageHeaders {
  const kept = Object.entries(headers).filter(([name]) => !name.toLowerCase().startsWith('nats-'))
  const tries = Math.max(progress.attempts ?? 0, attemptsIn(headers))
  return {
    ...Object.fromEntries(kept),
    ...(progress.accepted === true ? { [accepted]: '1' } : {}),
    ...(tries > 0 ? { [attempts]: String(tries) } : {}),
  }
}

/**
 * The headers of an assignment that is given back, fewer from one to the next: for a message that leaves them little
 * room. Passed on without a word of what was done is better than passed on to nobody.
 */
export function everFewerHeaders(headers: MessageHeaders, progress: Progress): readonly MessageHeaders[] {
  const { accepted: wasAcked } = progress
  return [progress, { accepted: wasAcked }, {}].map((told) => passedOnHeaders(headers, told))
}

/** Whether an earlier holder has already sent the assignment ack. */
export function wasAccepted(headers: MessageHeaders): boolean {
  return headers[accepted] === '1'
}

/** What earlier holders wrote into the headers. */
export function historyIn(headers: MessageHeaders): DeliveryHistory {
  return { giveBacks: 0, attempts: attemptsIn(headers) }
}

function attemptsIn(headers: MessageHeaders): number {
  return Math.min(mostAttempts, count(headers[attempts]))
}

/** Callers can send these headers too: what is no small number counts as nothing. */
function count(value: string | undefined): number {
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) : 0
}
