/** Finds out what permissions allow, without anybody hearing of it. */
import { type NatsConnection, PermissionViolationError } from '@nats-io/nats-core'
import type { Clock } from '../lib/clock.ts'
import type { Refusal } from './connection.ts'

/**
 * Servers check the right to publish first and then refuse a reply subject that is reserved for themselves, such as
 * this one: whichever they complain of, the message goes nowhere. Seen on 2.9 and on 2.15.
 */
const reservedReply = '_R_.beamline.check'
/** How long a complaint may take after the server has answered everything else, in milliseconds. */
const complaintLimitMs = 500

interface Probe {
  readonly nats: NatsConnection
  /** Tried in this order; the first is the one whose empty message would do least harm. */
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  readonly clock: Clock
}

/** What permissions forbid of these; undefined when this server cannot be asked in this way. Closes the connection. */
export async function forbidden({ nats, publish, subscribe, clock }: Probe): Promise<readonly Refusal[] | undefined> {
  const complaints: PermissionViolationError[] = []
  let complained: () => void = () => undefined
  const first = new Promise<void>((resolve) => {
    complained = resolve
  })
  const listening = (async () => {
    for await (const status of nats.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue
      complaints.push(status.error)
      complained()
    }
  })()
  const [trial, ...others] = publish
  const ask = (subject: string): void => nats.publish(subject, new Uint8Array(), { reply: reservedReply })
  try {
    if (trial !== undefined) ask(trial)
    await nats.flush()
    const limit = new AbortController()
    await Promise.race([first, clock.sleep(complaintLimitMs, limit.signal).catch(() => undefined)])
    limit.abort()
    if (complaints.length === 0) return undefined
    for (const subject of others) ask(subject)
    for (const subject of subscribe) {
      // Both travel in one write, so that nothing is delivered in between.
      nats.subscribe(subject, { callback: () => undefined }).unsubscribe()
    }
    await nats.flush()
  } finally {
    await nats.close()
    await listening
  }
  return complaints
    .filter(({ subject }) => [...publish, ...subscribe].includes(subject))
    .map(({ operation, subject }) => ({ operation, subject }))
}
