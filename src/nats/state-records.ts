/** The records of the state as messages of a bucket's stream: the requests, and how they are written and read. */
import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  type StoredMsg,
} from '@nats-io/jetstream'
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core'
import { type Entry, StoreError, type Version } from '../store/state-store.ts'
import { apiOptions, isWrongSequence, openManager } from './jetstream-api.ts'
import { stateStream } from './state-bucket.ts'

/** When a record is due, in milliseconds since 1970: in a header, so that it can be known without the value. */
const dueHeader = 'Beamline-Due-At'
/** Says of a message that it stands for no value; known to all clients of key-value buckets. */
const operationHeader = 'KV-Operation'
const deleted = 'DEL'

const tooLargeCode = 10054
/** How often a key is tried that changes between a look at it and the attempt to write it. */
const createTries = 3

const subjectPrefix = '$KV.BEAMLINE_STATE.'
/** All records. */
export const recordSubjects = `${subjectPrefix}>`

/** The subject of a key. */
export function stateSubject(key: string): string {
  return subjectPrefix + key
}

/** A record as a message tells of it. */
export interface RecordNews {
  readonly key: string
  readonly isRemoved: boolean
  readonly dueAt: number | undefined
}

/** Reads the subject and the headers of a message. */
export function readNews(subject: string, found: MsgHdrs | undefined): RecordNews {
  const due = found?.get(dueHeader) ?? ''
  return {
    key: subject.slice(subjectPrefix.length),
    isRemoved: isMarker(found),
    dueAt: /^-?\d+$/.test(due) ? Number(due) : undefined,
  }
}

/** The records of a bucket that is there. Whatever is asked rejects as the client does. */
export class StateRecords {
  readonly #client: JetStreamClient
  readonly #manager: JetStreamManager

  private constructor(client: JetStreamClient, manager: JetStreamManager) {
    this.#client = client
    this.#manager = manager
  }

  static async over(nats: NatsConnection): Promise<StateRecords> {
    return new StateRecords(jetstream(nats, apiOptions), await openManager(nats))
  }

  /** Resolves with the sequence it is stored under; undefined when the key is taken. */
  async create(key: string, value: Uint8Array, dueAt: number | undefined): Promise<number | undefined> {
    let last = 0
    for (let tries = 0; tries < createTries; tries += 1) {
      const sequence = await this.#put(key, value, dueAt, last)
      if (sequence !== undefined) return sequence
      const found = await this.#last(key)
      if (found !== null && !isMarker(found.header)) return undefined
      last = found?.seq ?? 0
    }
    throw new StoreError('unreachable', 'The key changes all the time')
  }

  async get(key: string): Promise<Entry | undefined> {
    const found = await this.#last(key)
    if (found === null || isMarker(found.header)) return undefined
    return { key, value: found.data, revision: String(found.seq) }
  }

  /** Resolves with the sequence it is stored under; undefined when what was read is not there any more. */
  replace({ key, revision }: Version, value: Uint8Array, dueAt: number | undefined): Promise<number | undefined> {
    return this.#put(key, value, dueAt, Number(revision))
  }

  /** Resolves with the sequence it is removed by; undefined when what was read is not there any more. */
  async remove({ key, revision }: Version): Promise<number | undefined> {
    const marks = headers()
    marks.set(operationHeader, deleted)
    const marker = await this.#publish(key, new Uint8Array(), marks, Number(revision))
    if (marker === undefined) return undefined
    // The marker has done its work; where it cannot be cleared away it stays, and does no harm.
    await this.#manager.streams
      .purge(stateStream, { filter: stateSubject(key), seq: marker + 1 })
      .catch(() => undefined)
    return marker
  }

  /** The keys that begin with `prefix`, with what cannot be told from them: removed ones whose marker is still there. */
  async keys(prefix: string): Promise<readonly string[]> {
    const { state } = await this.#manager.streams.info(stateStream, { subjects_filter: recordSubjects })
    return Object.keys(state.subjects ?? {})
      .map((subject) => subject.slice(subjectPrefix.length))
      .filter((key) => key.startsWith(prefix))
  }

  #put(key: string, value: Uint8Array, dueAt: number | undefined, last: number): Promise<number | undefined> {
    const due = headers()
    if (dueAt !== undefined) due.set(dueHeader, String(dueAt))
    return this.#publish(key, value, due, last)
  }

  /** Undefined: `last` is not the last of the key any more, so nothing was stored. */
  async #publish(key: string, value: Uint8Array, with_: MsgHdrs, last: number): Promise<number | undefined> {
    try {
      const expect = { lastSubjectSequence: last }
      const stored = await this.#client.publish(stateSubject(key), value, { headers: with_, expect })
      return stored.seq
    } catch (error) {
      if (isWrongSequence(error)) return undefined
      if (error instanceof JetStreamApiError && error.code === tooLargeCode) {
        throw new StoreError('too-large', 'The record is larger than the bucket takes', { cause: error })
      }
      throw error
    }
  }

  /** Asked of the leader alone: a replica may answer with what it knew before the last word. */
  #last(key: string): Promise<StoredMsg | null> {
    return this.#manager.streams.getMessage(stateStream, { last_by_subj: stateSubject(key) })
  }
}

function isMarker(found: MsgHdrs | undefined): boolean {
  const operation = found?.get(operationHeader) ?? ''
  return operation === deleted || operation === 'PURGE'
}
