/** Acks and naks with an answer: an ack is asked again until the server has confirmed it. */
import type { NatsConnection } from '@nats-io/nats-core'
import type { Clock } from '../lib/clock.ts'
import { isNoResponders, type ReplyInbox } from './reply-inbox.ts'
import { Sweep } from './sweep.ts'

/** An answer that has not come by then, in milliseconds, is asked for again. */
const answerLimitMs = 5_000
/** After so many questions on a live connection the stream's own redelivery must do. */
const maxTries = 6

/** How a question ended: the server confirmed it, the stream it was about is gone, or nobody answered for long. */
export type Answer = 'confirmed' | 'gone' | 'unanswered'

interface AskerParts {
  readonly inbox: ReplyInbox
  readonly clock: Clock
  /** The consumer is gone, and perhaps its stream: what is open waits until `resume` or `end` tells. */
  readonly onNobody: () => void
}

interface Question {
  readonly subject: string
  readonly body: Uint8Array
  readonly reply: string
  /** Whether it may be asked again although it may have been heard. */
  readonly repeatable: boolean
  /** How often it was asked; a question that surely nobody heard counts as not asked. */
  tries: number
  askedAt: number
  settle(answer: Answer): void
}

/**
 * Asks about the deliveries of one stream. While it is not certain that the stream is still the same one, questions
 * wait: an ack to a stream of the same name that was made anew would take another message from it.
 */
export class Asker {
  readonly #parts: AskerParts
  readonly #open = new Map<string, Question>()
  readonly #sweep: Sweep
  #nats: NatsConnection | undefined
  #over: Answer | undefined
  #leaving = false
  readonly #lost = Promise.withResolvers<void>()

  constructor(parts: AskerParts) {
    this.#parts = parts
    this.#sweep = new Sweep(parts.clock, () => this.#askOverdue())
  }

  /** The stream is known to be the same: asks what is open, and from now on at once. */
  resume(nats: NatsConnection): void {
    this.#nats = nats
    for (const question of this.#open.values()) this.#ask(question)
  }

  /** Asks nothing until `resume`; what may not be asked twice ends here. */
  suspend(): void {
    this.#nats = undefined
    if (this.#leaving) return this.#giveUp()
    for (const question of this.#open.values())
      if (!question.repeatable && question.tries > 0) question.settle('unanswered')
  }

  /**
   * The process is about to end: from now on no question is open for longer than one answer may take, and none without
   * a connection, which would be too late.
   */
  leave(): void {
    this.#leaving = true
    if (this.#nats === undefined) return this.#giveUp()
    for (const question of this.#open.values()) question.askedAt = this.#parts.clock.monotonic()
  }

  /** Whether questions reach the server now. */
  get live(): boolean {
    return this.#nats !== undefined
  }

  get leaving(): boolean {
    return this.#leaving
  }

  /** Resolves when nothing will be answered any longer because the connection was lost after `leave`. */
  get lost(): Promise<void> {
    return this.#lost.promise
  }

  /** Ends everything, now and later, with the same answer. */
  end(answer: Answer): void {
    this.#over = answer
    this.#sweep.stop()
    for (const question of this.#open.values()) question.settle(answer)
  }

  /** Whether questions are answered any longer. */
  get ended(): boolean {
    return this.#over !== undefined
  }

  /** With `once`, a question that may have been heard is not asked again: it ends as unanswered. */
  ask(subject: string, body: Uint8Array, { once = false } = {}): Promise<Answer> {
    if (this.#over !== undefined) return Promise.resolve(this.#over)
    if (this.#leaving && this.#nats === undefined) return Promise.resolve('unanswered')
    return new Promise((resolve) => {
      const question: Question = {
        subject,
        body,
        reply: this.#parts.inbox.open((answer) => {
          if (!isNoResponders(answer)) return question.settle('confirmed')
          if (once) question.tries = 0
          this.#parts.onNobody()
        }),
        repeatable: !once,
        tries: 0,
        askedAt: this.#parts.clock.monotonic(),
        settle: (answer) => {
          this.#open.delete(question.reply)
          this.#parts.inbox.close(question.reply)
          resolve(answer)
        },
      }
      this.#open.set(question.reply, question)
      this.#sweep.start()
      this.#ask(question)
    })
  }

  /** Says something that needs no answer. */
  tell(subject: string, body: Uint8Array): void {
    if (this.#nats?.isClosed() === false) this.#nats.publish(subject, body)
  }

  /** Asks it, when there is a connection. */
  #ask(question: Question): void {
    if (question.tries >= (question.repeatable ? maxTries : 1)) return question.settle('unanswered')
    if (this.#nats === undefined || this.#nats.isClosed()) return
    question.tries += 1
    question.askedAt = this.#parts.clock.monotonic()
    this.#nats.publish(question.subject, question.body, { reply: question.reply })
  }

  #giveUp(): void {
    this.#lost.resolve()
    for (const question of this.#open.values()) question.settle('unanswered')
  }

  #askOverdue(): boolean {
    const overdue = this.#parts.clock.monotonic() - answerLimitMs
    for (const question of this.#open.values()) {
      if (question.askedAt > overdue) continue
      if (this.#leaving) question.settle('unanswered')
      else this.#ask(question)
    }
    return this.#open.size > 0
  }
}
