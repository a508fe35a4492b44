/** Dead letters in two streams of JetStream that the fleet shares. */
import { JetStreamApiError, type StreamInfo } from '@nats-io/jetstream'
import { messageSize } from '../bus/message-size.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import { mergeDescending } from '../lib/merge-descending.ts'
import { unlessAborted } from '../lib/unless-aborted.ts'
import { type DeadLetter, isCallersFault } from '../protocol/dead-letter.ts'
import { encodeText, objectText } from '../protocol/json.ts'
import { readDeadLetter } from '../protocol/stored-dead-letter.ts'
import type { Claim, Claimed, DeadLetterSource, DeadLetterStore, KeptDeadLetter } from '../store/dead-letter-store.ts'
import { StoreError } from '../store/state-store.ts'
import { entryFamilies, readEntries, removeEntries } from './dead-letter-entries.ts'
import { MarkLedger } from './dead-letter-ledger.ts'
import { DeadLetterLink, type DeadLetterLinkParts, type OpenedStreams, unreachable } from './dead-letter-link.ts'
import { type DeadLetterNames, deadLetterNames, entrySubject } from './dead-letter-names.ts'
import { absence, reasonOf } from './jetstream-api.ts'

/** How long a write may take, in milliseconds: whoever waits for it has files too. */
const writeLimitMs = 2_000
/** How often the streams are asked how much they hold, in milliseconds. */
const sizeEveryMs = 30_000
/** The message would be larger than the server, or the stream, takes. */
const tooLargeCode = 10054
/** Another stream captures the subject. */
const otherStreamCode = 10060

interface Parts extends DeadLetterLinkParts {
  /** Where notifications go; the subjects of the streams begin with it. */
  readonly subject: string
}

/** The streams of dead letters, as this connection reaches them. */
export class DeadLetterStreamSource implements DeadLetterSource {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  open(name: string): DeadLetterStore {
    return new DeadLetterStream(this.#parts, deadLetterNames(name, this.#parts.subject))
  }
}

class DeadLetterStream implements DeadLetterStore {
  readonly place: string
  readonly #clock: Clock
  readonly #connection: Parts['connection']
  readonly #names: DeadLetterNames
  readonly #link: DeadLetterLink
  readonly #ledger: MarkLedger
  readonly #timer: Timer
  #size: { readonly bytes: number; readonly entries: number } | undefined

  constructor(parts: Parts, names: DeadLetterNames) {
    this.place = `the stream ${names.stream}`
    this.#clock = parts.clock
    this.#connection = parts.connection
    this.#names = names
    this.#link = new DeadLetterLink(parts, names, (streams) => this.#count(streams.main, streams.rejected))
    this.#ledger = new MarkLedger(names, parts.clock)
    this.#timer = parts.clock.every(sizeEveryMs, () => void this.#infos().catch(() => undefined))
  }

  /** Rejects after two seconds at the latest; what is larger than the stream takes, with a StoreError that says so. */
  async write(record: DeadLetter, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const limit = new AbortController()
    const abort = (): void => limit.abort(signal?.reason)
    const timer = this.#clock.after(writeLimitMs, () => limit.abort(unreachable('no answer in time')))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await this.#ask((streams) => this.#publish(streams, record), limit.signal)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  async *entries(signal: AbortSignal): AsyncGenerator<KeptDeadLetter, void> {
    try {
      const { streams, families, context } = await this.#look(signal)
      const sources = families.map((family) => readEntries(streams, family, context))
      for await (const { kept } of mergeDescending(sources, ({ kept: { record } }) => record.id)) yield kept
      signal.throwIfAborted()
    } catch (error) {
      throw signal.aborted ? error : asStoreError(error)
    }
  }

  async find(id: string, signal: AbortSignal): Promise<KeptDeadLetter | undefined> {
    if (!/^[0-9A-Z]{26}$/.test(id)) return undefined
    const { main } = await this.#infos(signal)
    return this.#ask(async (streams) => {
      const found = await Promise.all(
        [false, true].map(async (rejected) => {
          const stream = (rejected ? streams.rejected : streams.main).config.name
          const subject = entrySubject(this.#names, id, rejected)
          const stored = await streams.manager.streams.getMessage(stream, { last_by_subj: subject })
          const record = stored === null ? undefined : readDeadLetter(stored.string())
          return record?.id === id ? { record, rejected } : undefined
        }),
      )
      const entry = found.find((each) => each !== undefined)
      if (entry === undefined) return undefined
      const marks = await this.#ledger.marks(streams, main.created, signal)
      return { ...entry, mark: marks.get(id) }
    }, signal)
  }

  claim(claim: Claim, signal: AbortSignal): Promise<Claimed> {
    return this.#ask((streams) => this.#ledger.claim(streams, claim), signal)
  }

  settle(claim: Claim, n: number, state: 'done' | 'failed', signal: AbortSignal): Promise<void> {
    return this.#ask((streams) => this.#ledger.settle(streams, claim, n, state), signal)
  }

  async purge(matches: (kept: KeptDeadLetter) => boolean, signal: AbortSignal): Promise<number> {
    try {
      const { streams, families, context } = await this.#look(signal)
      let removed = 0
      for (const family of families) {
        removed += await removeEntries(streams, family, readEntries(streams, family, context), matches)
      }
      return removed
    } catch (error) {
      throw signal.aborted ? error : asStoreError(error)
    }
  }

  /** What the streams held lately, the marks of replays included. */
  size(): { readonly bytes: number; readonly entries: number } | undefined {
    return this.#size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.cancel()
    this.#link.close()
  }

  async #publish({ client, main, rejected }: OpenedStreams, record: DeadLetter): Promise<void> {
    const isRejected = isCallersFault(record)
    const { config } = isRejected ? rejected : main
    const subject = entrySubject(this.#names, record.id, isRejected)
    const body = encodeText(objectText({ ...record }))
    const headers = { 'Nats-Msg-Id': record.id, 'Nats-Expected-Stream': config.name }
    const most = Math.min(this.#connection.maxPayload, config.max_msg_size > 0 ? config.max_msg_size : Infinity)
    if (messageSize({ subject, body, headers }) > most) throw tooLarge()
    await client.publish(subject, body, { msgID: record.id, expect: { streamName: config.name } })
  }

  /** What there is to be read. */
  async #look(signal: AbortSignal) {
    const infos = await this.#infos(signal)
    const streams = await this.#ask((opened) => Promise.resolve(opened), signal)
    const marks = await this.#ledger.marks(streams, infos.main.created, signal)
    const families = entryFamilies(this.#names, infos)
    return { streams, families, context: { marks, clock: this.#clock, signal } }
  }

  /** The streams as they are now. */
  #infos(signal?: AbortSignal): Promise<{ readonly main: StreamInfo; readonly rejected: StreamInfo }> {
    return this.#ask(async ({ manager, main, rejected }) => {
      const names = [main.config.name, rejected.config.name]
      const [now, rejectedNow] = await Promise.all(names.map((name) => manager.streams.info(name)))
      if (now === undefined || rejectedNow === undefined) throw unreachable('no answer')
      this.#count(now, rejectedNow)
      return { main: now, rejected: rejectedNow }
    }, signal)
  }

  #count(main: StreamInfo, rejected: StreamInfo): void {
    const apart = main.config.name === rejected.config.name ? [main] : [main, rejected]
    this.#size = {
      bytes: apart.reduce((sum, { state }) => sum + state.bytes, 0),
      entries: apart.reduce((sum, { state }) => sum + state.messages, 0),
    }
  }

  /** Streams that somebody has deleted are made again, and asked once more: nobody has heard the first question. */
  async #ask<T>(work: (streams: OpenedStreams) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const asked = this.#askAnyway(work)
    if (signal === undefined) return asked
    return unlessAborted(asked, signal)
  }

  async #askAnyway<T>(work: (streams: OpenedStreams) => Promise<T>): Promise<T> {
    const streams = await this.#link.opened()
    try {
      return await work(streams)
    } catch (error) {
      if (!isGone(error)) throw asStoreError(error)
      this.#link.gone(streams)
    }
    try {
      return await work(await this.#link.opened())
    } catch (error) {
      throw asStoreError(error)
    }
  }
}

function isGone(error: unknown): boolean {
  return absence(error) !== 'not-known' || (error instanceof JetStreamApiError && error.code === otherStreamCode)
}

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (error instanceof JetStreamApiError && error.code === tooLargeCode) return tooLarge(error)
  return unreachable(reasonOf(error), error)
}

function tooLarge(cause?: unknown): StoreError {
  return new StoreError('too-large', 'The dead letter is larger than the stream takes', { cause })
}
