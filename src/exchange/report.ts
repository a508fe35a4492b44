import { ulid } from 'ulid'
import type { Bus, MessageHeaders } from '../bus/bus.ts'
import { PublishError } from '../bus/bus.ts'
import type { JobError } from '../errors.ts'
import { backoffCeiling } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { LargeGarbage } from '../lib/large-garbage.ts'
import type { Mask, Masks } from '../lib/secret-mask.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Caller, Form } from '../protocol/assignment.ts'
import { type DeadLetterReason, deadLetter } from '../protocol/dead-letter.ts'
import type { EnvelopeMode } from '../protocol/envelope.ts'
import type { JsonObject } from '../protocol/json.ts'
import { type EncodedResult, type Ending, encodeResult } from '../protocol/result.ts'
import type { DeadLetterBox } from './dead-letter-box.ts'

/** The message that an assignment came in. */
interface Origin {
  readonly subject: string
  readonly body: Uint8Array
  readonly headers: MessageHeaders
}

/** How a job, or the refusal of one, ended. */
export interface Report {
  readonly caller: Caller
  readonly origin: Origin
  /** The assignment object as received, when it could be read. */
  readonly assignment?: JsonObject
  readonly ending: Ending
  readonly attempts: number
  readonly latencyMs: number
  /** The bus keeps the message until it is acked, so that nothing need be said now that cannot be kept. */
  readonly isStored: boolean
  /** Dead-letter it first, for this reason. */
  readonly bury?: DeadLetterReason
}

/** What a result is made of. */
export type Encodable = Pick<Report, 'caller' | 'ending' | 'attempts' | 'latencyMs'>

/** A report whose ending is in the result, and no more beside it. */
type Reported = Omit<Report, 'ending'>

/** What is kept of a job beside its result. */
export type Buried = Pick<Report, 'caller' | 'origin' | 'assignment' | 'attempts'>

/** A message that cannot be answered, only kept. */
export interface Unanswerable {
  readonly origin: Origin
  readonly form: Form
  readonly reason: DeadLetterReason
  readonly error: JobError
  readonly assignment?: JsonObject
}

interface Options {
  readonly bus: Pick<Bus, 'publish' | 'maxPayload'>
  readonly box: DeadLetterBox
  readonly resultSubject: string
  readonly envelope: EnvelopeMode
  readonly workerId: string
  readonly sandbox: boolean
  /** Keep secrets out of results and dead letters. */
  readonly masks: Masks
  /** How often a result is published again after a first failure. */
  readonly maxRetries: number
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Aborts when the process cannot wait any longer: what is not published by then is dead-lettered. */
  readonly closing: AbortSignal
}

const firstRetryMs = 500
const longestRetryMs = 30_000

/** Reports how jobs ended, by all the rules of the wire: dead letter first, then the result, published until it has arrived. */
export class Reporter {
  readonly #options: Options
  readonly #garbage = new LargeGarbage()
  /** The last result could not be published. */
  #failing = false

  constructor(options: Options) {
    this.#options = options
  }

  /**
   * Dead-letters (when asked to), then publishes. Resolves with what was sent; a result that cannot be published is kept
   * as a dead letter instead. Undefined: neither could be done in time, and the assignment must not be acked.
   */
  report({ ending, ...report }: Report): Promise<EncodedResult | undefined> {
    const encoded = this.encode({ ending, ...report })
    const becameError = ending.status === 'success' && encoded.ending.status !== 'success'
    return this.#send(report, encoded, report.bury ?? (becameError ? 'JOB_FAILED' : undefined))
  }

  /** What `report` would publish, without doing anything. */
  encode({ caller, ending, attempts, latencyMs }: Encodable): EncodedResult {
    const { bus, envelope, workerId, sandbox, masks, clock } = this.#options
    const stamp = { workerId, attempts, latencyMs, timestamp: clock.now(), sandbox }
    const mask = masks.maskFor(caller.tenantId)
    return encodeResult(caller, ending, stamp, { mode: envelope, maxPayload: bus.maxPayload, mask })
  }

  async #send(
    report: Reported,
    encoded: EncodedResult,
    reason: DeadLetterReason | undefined,
  ): Promise<EncodedResult | undefined> {
    if (reason !== undefined && !(await this.bury(report, encoded, reason))) {
      if (report.isStored) return undefined
      this.#regret(report)
    }
    if (isOverload(encoded.ending)) {
      await this.publish(encoded, 0)
      return encoded
    }
    if (this.#garbage.add(encoded.body.length)) await this.#collect()
    const sent = (await this.publish(encoded)) || (await this.bury(report, encoded, 'PUBLISH_ERROR'))
    if (!sent && !report.isStored) this.#regret(report)
    return sent || !report.isStored ? encoded : undefined
  }

  /** Keeps a message that no one can be told about. False: it could not be kept. */
  keep(message: Unanswerable): Promise<boolean> {
    const { origin, form, reason, error, assignment } = message
    const head = this.#head(this.#options.masks.mask)
    const record = deadLetter({ ...head, reason, ...originOf(origin), form, error, assignment })
    return this.#options.box.put(record, this.#options.closing)
  }

  /** Publishes a result, again and again until it has arrived; false when the tries are used up, the process closes or the signal aborts. */
  async publish(
    encoded: Pick<EncodedResult, 'body' | 'headers'>,
    maxRetries = this.#options.maxRetries,
    closing = this.#options.closing,
  ): Promise<boolean> {
    const { bus, resultSubject, clock, metrics, log } = this.#options
    const message = { subject: resultSubject, body: encoded.body, headers: encoded.headers }
    for (let tries = 1; ; tries++) {
      try {
        await bus.publish(message, closing)
        metrics.resultPublished()
        this.#failing = false
        return true
      } catch (error) {
        const context = { subject: resultSubject, tries }
        const hopeless = error instanceof PublishError && (error.reason === 'too-large' || error.reason === 'closed')
        // One line for the state, not one for each result in it.
        if (!this.#failing) log.error('Results cannot be published', { error, context })
        this.#failing = true
        if (hopeless || tries > maxRetries || closing.aborted) return false
        metrics.resultPublishRetried()
        await clock.sleep(backoffCeiling(tries, firstRetryMs, longestRetryMs), closing).catch(() => undefined)
      }
    }
  }

  /** When whoever had a hand in the output has let go of it, which takes them a turn. */
  async #collect(): Promise<void> {
    const { clock } = this.#options
    await new Promise<void>((resolve) => clock.soon(() => clock.soon(resolve)))
    this.#garbage.collect()
  }

  /** Keeps a job with the result it has. False: it could not be kept. */
  bury(report: Buried, encoded: Pick<EncodedResult, 'ending' | 'result'>, reason: DeadLetterReason): Promise<boolean> {
    const { caller, origin, assignment, attempts } = report
    const error = encoded.ending.status === 'success' ? undefined : encoded.ending.error
    const about = { reason, ...originOf(origin), form: caller.form, caller, attempts, error, assignment }
    const head = this.#head(this.#options.masks.maskFor(caller.tenantId))
    const record = deadLetter({ ...head, ...about, result: encoded.result })
    return this.#options.box.put(record, this.#options.closing)
  }

  /** The last resort where nothing else keeps the message: whoever reads the log learns which job it was. */
  #regret({ caller }: Reported): void {
    this.#options.log.error('The end of a job could not be kept as a dead letter, and the process ends', {
      assignment_id: caller.assignmentId,
      tenant_id: caller.tenantId,
      job_type: caller.jobType,
    })
  }

  /** What every dead letter has. */
  #head(mask: Mask) {
    const { workerId, clock } = this.#options
    const timestamp = clock.now()
    return { id: ulid(timestamp), timestamp, workerId, mask }
  }
}

/** The message itself, without whatever else carries it. */
function originOf({ subject, body, headers }: Origin): Origin {
  return { subject, body, headers }
}

function isOverload(ending: EncodedResult['ending']): boolean {
  return ending.status !== 'success' && ending.error.code === 'SYSTEM_OVERLOAD'
}
