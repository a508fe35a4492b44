import type { Message } from '../bus/bus.ts'
import type { Clock } from '../lib/clock.ts'
import type { Connection } from './connection.ts'
import { writeHeaders } from './headers.ts'
import { isNoResponders, type ReplyInbox } from './reply-inbox.ts'

interface RequesterParts {
  readonly connection: Connection
  readonly inbox: ReplyInbox
  readonly clock: Clock
}

/** Asks other processes. */
export class Requester {
  readonly #parts: RequesterParts

  constructor(parts: RequesterParts) {
    this.#parts = parts
  }

  /** As Bus.request. */
  ask({ subject, body, headers }: Message, waitMs: number): Promise<Uint8Array | undefined> {
    const { connection, inbox, clock } = this.#parts
    return new Promise((resolve) => {
      const settle = (answer: Uint8Array | undefined): void => {
        inbox.close(reply)
        late.cancel()
        resolve(answer)
      }
      const reply = inbox.open((answer) => settle(isNoResponders(answer) ? undefined : answer.data))
      const late = clock.after(waitMs, () => settle(undefined))
      const { nats } = connection
      if (nats === undefined || nats.isClosed()) return settle(undefined)
      const written = writeHeaders(headers)
      try {
        nats.publish(subject, body, written === undefined ? { reply } : { reply, headers: written })
      } catch {
        settle(undefined)
      }
    })
  }
}
