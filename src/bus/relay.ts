/**
 * Passing an assignment on where nothing is stored (core NATS, memory): the original bytes are published again, and what
 * the next holder must know travels in headers. Pure.
 */
import type { DeliveryHistory, MessageHeaders } from './bus.ts'

/** How often a full worker may pass an assignment on before it is refused. */
const maxHops = 3

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
  const tries = Math.max(progress.attempts ?? 0, count(headers[attempts]))
  return {
    ...Object.fromEntries(kept),
    ...(progress.accepted === true ? { [accepted]: '1' } : {}),
    ...(tries > 0 ? { [attempts]: String(tries) } : {}),
  }
}

/** Whether an earlier holder has already sent the assignment ack. */
export function wasAccepted(headers: MessageHeaders): boolean {
  return headers[accepted] === '1'
}

/** What earlier holders wrote into the headers. */
export function historyIn(headers: MessageHeaders): DeliveryHistory {
  return { giveBacks: 0, attempts: count(headers[attempts]) }
}

/** Callers can send these headers too: what is no small number counts as nothing. */
function count(value: string | undefined): number {
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) : 0
}
