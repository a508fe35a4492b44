import type { Clock } from '../lib/clock.ts'
import type { Claim, Claimed, ReplayMark } from '../store/dead-letter-store.ts'
import { type OpenedStreams, unreachable } from './dead-letter-link.ts'
import { claimed, type JobMarks, noMarks, obstacle, readMarks, settled, writeMarks } from './dead-letter-marks.ts'
import { type DeadLetterNames, markSubject } from './dead-letter-names.ts'
import { forwards } from './dead-letter-reader.ts'
import { isWrongSequence } from './jetstream-api.ts'

/** How often a change is tried while others change the same job's marks. */
const tries = 100

/** The marks of replays in the stream: one message for each job, changed by compare-and-swap. */
export class MarkLedger {
  readonly #names: DeadLetterNames
  readonly #clock: Clock
  /** The last mark of each entry, as far as the stream has been read. */
  #known = new Map<string, ReplayMark>()
  #readUpTo = 0
  /** When the stream was made that they were read from. */
  #created = ''
  #reading: Promise<unknown> = Promise.resolve()

  constructor(names: DeadLetterNames, clock: Clock) {
    this.#names = names
    this.#clock = clock
  }

  /** As DeadLetterStore.claim; rejects as the client does. */
  claim(streams: OpenedStreams, claim: Claim): Promise<Claimed> {
    return this.#change<Claimed>(streams, claim.job, (before) => {
      const mark = obstacle(before, claim)
      if (mark !== undefined) return { answer: { kind: 'taken', mark } }
      const after = claimed(before, claim, this.#now())
      return { after, answer: { kind: 'granted', n: after.n } }
    })
  }

  settle(streams: OpenedStreams, claim: Claim, n: number, state: 'done' | 'failed'): Promise<void> {
    return this.#change(streams, claim.job, (before) => ({
      after: settled(before, claim, { state, at: this.#now(), n }),
      answer: undefined,
    }))
  }

  /** The last mark of each entry; `created`: of the stream, now. Reads what is new since the last time. */
  marks(streams: OpenedStreams, created: string, signal: AbortSignal): Promise<ReadonlyMap<string, ReplayMark>> {
    const reading = this.#reading.then(() => this.#readOn(streams, created, signal))
    this.#reading = reading.catch(() => undefined)
    return reading
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString()
  }

  async #change<T>(
    { client, manager, main }: OpenedStreams,
    job: string,
    decide: (before: JobMarks) => { readonly after?: JobMarks; readonly answer: T },
  ): Promise<T> {
    const subject = markSubject(this.#names, job)
    const streamName = main.config.name
    for (let tried = 0; tried < tries; tried += 1) {
      // Asked of the leader alone: a replica may answer with what it knew before the last word.
      const last = await manager.streams.getMessage(streamName, { last_by_subj: subject })
      const { after, answer } = decide(last === null ? noMarks : readMarks(last.data))
      if (after === undefined) return answer
      try {
        const expect = { streamName, lastSubjectSequence: last?.seq ?? 0 }
        await client.publish(subject, writeMarks(after), { expect })
        return answer
      } catch (error) {
        if (!isWrongSequence(error)) throw error
      }
    }
    throw unreachable('the marks of the job change all the time')
  }

  async #readOn({ nats, manager, main }: OpenedStreams, created: string, signal: AbortSignal) {
    if (created !== this.#created) {
      this.#known = new Map()
      this.#readUpTo = 0
      this.#created = created
    }
    const stream = main.config.name
    const reading = { nats, manager, clock: this.#clock, stream, filter: this.#names.marks, signal }
    for await (const part of forwards(reading, this.#readUpTo + 1)) {
      for (const { body, sequence } of part) {
        for (const [id, mark] of readMarks(body).marks) this.#known.set(id, mark)
        this.#readUpTo = sequence
      }
    }
    return this.#known
  }
}
