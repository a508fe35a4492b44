/**
 * The port to the message bus: what the roles need of it, whatever carries the messages.
 * Adapters: `memory-bus.ts` here, core NATS and JetStream in `nats/`. `test/contract/bus.contract.ts` runs over all.
 */

import type { DeadLetterSource } from '../store/dead-letter-store.ts'
import type { StateSource } from '../store/state-store.ts'

/** Names and first values of a message's headers. Visible ASCII only. */
export type MessageHeaders = Readonly<Record<string, string>>

/** One message to be sent. */
export interface Message {
  readonly subject: string
  readonly body: Uint8Array
  readonly headers?: MessageHeaders
}

/** One message that was received by `subscribe`. */
export interface Received extends Message {
  readonly headers: MessageHeaders
  /** Answers whoever sent it; does nothing when no answer was asked for. */
  respond(body: Uint8Array): void
}

/** What is known of a delivery's earlier holders. */
export interface DeliveryHistory {
  /** How many of the earlier deliveries were given back in good order. */
  readonly giveBacks: number
  /** Attempts that earlier holders already made, to be continued. */
  readonly attempts: number
}

/** One receipt of an assignment, held until it is acked, given back, or lost with the process. */
export interface Delivery extends Message {
  readonly headers: MessageHeaders
  /** Tells this stored message from all others, over redeliveries and restarts; undefined where nothing is stored. */
  readonly sequence: string | undefined
  /** How often it has been delivered, this time included; 1 where nothing is stored. */
  readonly deliveries: number
  /** How long it may be held without `extend`, in milliseconds; undefined where there is no lease. */
  readonly leaseMs: number | undefined
  /** Says that it is still being worked on. Never throws. */
  extend(): void
  /** It is done: never deliver it again. Resolves when the bus has confirmed it, or when it has given up asking. */
  ack(): Promise<void>
  /**
   * Returns it unfinished, charging no strike. True: another worker has it or will get it (and it is no longer held).
   * False: there is no one else, the message stays with the caller.
   * `attempts` is written down for whoever continues; `delayMs` postpones the next delivery (where something is stored);
   * `accepted`: its assignment ack has already been sent.
   */
  giveBack(options?: {
    readonly delayMs?: number
    readonly attempts?: number
    readonly accepted?: boolean
  }): Promise<boolean>
  /**
   * Offers it to the other workers because there is no room here. False: refused by the rules (hops used up) or nobody
   * else is there, the message stays with the caller. `accepted`: its assignment ack has already been sent.
   */
  reoffer(options: { readonly accepted: boolean }): Promise<boolean>
  /** An earlier holder has already sent the assignment ack. */
  readonly alreadyAccepted: boolean
  /**
   * What earlier holders wrote down; costs nothing on a first delivery, for the bus is asked only when `deliveries` is
   * above 1. Rejects when it cannot be known now.
   */
  history(): Promise<DeliveryHistory>
}

/** Taking assignments, until stopped. */
export interface Intake {
  /** How many deliveries may be held at once; undefined where the bus sets no window (the worker's queue is the bound). */
  readonly window: number | undefined
  /**
   * Takes no more until `resume`: where the bus is pulled nothing is asked for, where it pushes (core, memory) this one
   * leaves the group, so that the others get the messages. What is held stays held, what is on its way is still
   * delivered. `health().consumer` says `paused`.
   */
  pause(): void
  resume(): void
  /**
   * Asks for no more, and resolves when nothing more will be delivered, so that everything held can be given back
   * without coming straight back. Deliveries may still arrive until then.
   */
  stop(): Promise<void>
}

export interface Subscription {
  /** No more messages; resolves when those in flight have been handed over. */
  stop(): Promise<void>
}

/** What readiness says of the bus: `ok`, or in a few words what is missing. */
export interface BusHealth {
  readonly nats: string
  readonly consumer: string
}

/** How assignments reach this process at the moment. */
export type DeliveryMode = 'memory' | 'core' | 'jetstream' | 'unknown'

export interface Bus extends AsyncDisposable {
  /** The largest message (headers and body, in bytes) that can be published. */
  readonly maxPayload: number
  readonly connected: boolean
  readonly mode: DeliveryMode
  /** Where a bus can keep records for all its workers. */
  readonly state?: StateSource
  /** Where a bus can keep dead letters for all its workers. */
  readonly deadLetters?: DeadLetterSource
  health(): BusHealth
  /** Starts taking assignments as soon as the bus is there. Call once. `deliver` must return at once and never throw. */
  take(deliver: (delivery: Delivery) => void): Intake
  /**
   * Publishes and resolves when it is known to have arrived: stored (PubAck) where a stream captures the subject, else
   * when a flush has returned and nobody said that no one listens. Rejects with a PublishError. While disconnected it
   * waits for the connection (or the signal).
   */
  publish(message: Message, signal?: AbortSignal): Promise<void>
  /** Sends without waiting. While disconnected the message is kept (bounded, the oldest go first) and sent on reconnecting. */
  emit(message: Message): void
  /** Hears every message on a subject (no queue group). Survives reconnects. `hear` must never throw. */
  subscribe(subject: string, hear: (message: Received) => void): Subscription
  /**
   * Asks whoever hears the subject, and resolves with the first answer; undefined when there is none within `waitMs`.
   * Never rejects.
   */
  request(message: Message, waitMs: number): Promise<Uint8Array | undefined>
  /** Resolves when everything sent so far has reached the server; gives up with the signal. */
  flush(signal?: AbortSignal): Promise<void>
}

/** A publish that is not known to have arrived. */
export class PublishError extends Error {
  override readonly name = 'PublishError'
  /**
   * - `no-responders`: nobody listens and no stream captures the subject
   * - `unconfirmed`: the stream's acknowledgement did not come in time
   * - `refused`: the server or the stream said no (permission, full stream)
   * - `too-large`: over `maxPayload`
   * - `closed`: the bus is closed
   */
  readonly reason: 'no-responders' | 'unconfirmed' | 'refused' | 'too-large' | 'closed'

  constructor(reason: PublishError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
