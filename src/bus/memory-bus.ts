/** The bus inside one process: for `run`, `dev` and tests. Behaves as core NATS does: nothing is stored, takers share. */

import { systemClock } from '../lib/clock.ts'
import {
  type Bus,
  type BusHealth,
  type Delivery,
  type Intake,
  type Message,
  PublishError,
  type Received,
  type Subscription,
} from './bus.ts'
import { messageSize } from './message-size.ts'
import { PushedDelivery } from './pushed-delivery.ts'

/** A quiet limit: far above any server's, so that only runaway outputs meet it. */
const defaultMaxPayload = 64 * 1024 * 1024

interface MemoryOptions {
  readonly assignSubject: string
  /** In bytes. */
  readonly maxPayload?: number
}

type Respond = (body: Uint8Array) => void
type Hear = (message: Message, respond: Respond) => void

const toNobody: Respond = () => undefined

/** What the buses of one process share: who listens to what. */
export class MemoryHub {
  readonly assignSubject: string
  readonly maxPayload: number
  readonly #hearers = new Map<string, Set<Hear>>()
  readonly #takers: Hear[] = []
  #turn = 0

  constructor(options: MemoryOptions) {
    this.assignSubject = options.assignSubject
    this.maxPayload = options.maxPayload ?? defaultMaxPayload
  }

  /** One more connection to this hub; several share the assignments. */
  open(): Bus {
    return new MemoryBus(this)
  }

  hear(subject: string, hear: Hear): () => void {
    const hearers = this.#hearers.get(subject) ?? new Set()
    this.#hearers.set(subject, hearers.add(hear))
    return () => {
      hearers.delete(hear)
    }
  }

  take(taker: Hear): () => void {
    this.#takers.push(taker)
    return () => {
      const at = this.#takers.indexOf(taker)
      if (at >= 0) this.#takers.splice(at, 1)
    }
  }

  /** Hands a message to everyone who hears its subject, and an assignment to one taker in turn. False: nobody listens. */
  send(message: Message, respond = toNobody): boolean {
    const hearers = [...(this.#hearers.get(message.subject) ?? [])]
    const taker = message.subject === this.assignSubject ? this.#next() : undefined
    for (const hear of taker === undefined ? hearers : [taker, ...hearers]) queueMicrotask(() => hear(message, respond))
    return taker !== undefined || hearers.length > 0
  }

  #next(): Hear | undefined {
    this.#turn += 1
    return this.#takers[this.#turn % Math.max(1, this.#takers.length)]
  }
}

class MemoryBus implements Bus {
  readonly mode = 'memory'
  readonly #hub: MemoryHub
  readonly #leave = new Set<() => void>()
  #closed = false
  #paused = false

  constructor(hub: MemoryHub) {
    this.#hub = hub
  }

  get maxPayload(): number {
    return this.#hub.maxPayload
  }

  get connected(): boolean {
    return !this.#closed
  }

  health(): BusHealth {
    if (this.#closed) return { nats: 'closed', consumer: 'closed' }
    return { nats: 'ok', consumer: this.#paused ? 'paused' : 'ok' }
  }

  take(deliver: (delivery: Delivery) => void): Intake {
    const join = (): (() => void) =>
      this.#joined(this.#hub.take((message) => deliver(new PushedDelivery(message, (again) => this.publish(again)))))
    let leave: (() => void) | undefined = join()
    let stopped = false
    const goOut = (): void => {
      leave?.()
      leave = undefined
    }
    return {
      window: undefined,
      pause: () => {
        this.#paused = true
        goOut()
      },
      resume: () => {
        this.#paused = false
        if (!stopped && !this.#closed) leave ??= join()
      },
      async stop() {
        stopped = true
        goOut()
        // What was sent before is still on its way: it is queued ahead of this.
        await Promise.resolve()
      },
    }
  }

  async publish(message: Message, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#closed) throw new PublishError('closed', 'The bus is closed')
    if (messageSize(message) > this.maxPayload) throw new PublishError('too-large', 'The message is too large')
    if (!this.#hub.send(message)) throw new PublishError('no-responders', 'Nobody listens to the subject')
  }

  emit(message: Message): void {
    if (!this.#closed && messageSize(message) <= this.maxPayload) this.#hub.send(message)
  }

  subscribe(subject: string, hear: (message: Received) => void): Subscription {
    const leave = this.#joined(
      this.#hub.hear(subject, (message, respond) => {
        hear({ ...message, headers: message.headers ?? {}, respond })
      }),
    )
    return {
      async stop() {
        leave()
        await Promise.resolve()
      },
    }
  }

  request(message: Message, waitMs: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const late = systemClock.after(waitMs, () => resolve(undefined))
      const answered = (body?: Uint8Array): void => {
        late.cancel()
        resolve(body)
      }
      if (this.#closed || !this.#hub.send(message, answered)) answered()
    })
  }

  async flush(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const leave of this.#leave) leave()
  }

  #joined(leave: () => void): () => void {
    this.#leave.add(leave)
    return () => {
      this.#leave.delete(leave)
      leave()
    }
  }
}

/** A hub with one bus on it. */
export function openMemoryBus(options: MemoryOptions): Bus {
  return new MemoryHub(options).open()
}
