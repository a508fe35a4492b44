import { jetstream } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/nats-core'
import type { DeliveryHistory } from '../bus/bus.ts'
import { absence, apiOptions } from './jetstream-api.ts'

/** One bucket for all fleets of an account; the keys tell streams and consumers apart. */
const bucket = 'BEAMLINE_GIVE_BACKS'
/** The stream that a server keeps the bucket in. */
export const recordStream = `KV_${bucket}`
/** A record is deleted with its job; one that was left over is dropped after this, in milliseconds. */
const keptMs = 30 * 24 * 3_600_000

const nothing: DeliveryHistory = { giveBacks: 0, attempts: 0 }

/** Which messages the records are about. */
interface Scope {
  readonly stream: string
  /** When the stream was made, RFC 3339. */
  readonly created: string
  readonly consumer: string
  readonly replicas: number
}

/** The subject of a message's record. */
export function recordSubject(scope: Omit<Scope, 'replicas'>, sequence: number): string {
  return `$KV.${bucket}.${prefixOf(scope)}.${sequence}`
}

/** What the holders of a stored message write down for each other. One holds it at a time, so the last word counts. */
export class GiveBackRecords {
  readonly #nats: NatsConnection
  readonly #scope: Scope
  readonly #prefix: string
  #bucket: KV

  private constructor(nats: NatsConnection, scope: Scope, opened: KV) {
    this.#nats = nats
    this.#scope = scope
    this.#prefix = prefixOf(scope)
    this.#bucket = opened
  }

  /** Opens the bucket, and makes it when it is missing. */
  static async open(nats: NatsConnection, scope: Scope): Promise<GiveBackRecords> {
    return new GiveBackRecords(nats, scope, await openBucket(nats, scope))
  }

  /** Rejects when it cannot be known now. */
  async read(sequence: number): Promise<DeliveryHistory> {
    const entry = await this.#inBucket((opened) => opened.get(this.#key(sequence)))
    return entry === null || entry.operation !== 'PUT' ? nothing : parse(entry.json())
  }

  async write(sequence: number, history: DeliveryHistory): Promise<void> {
    const value = JSON.stringify({ give_backs: history.giveBacks, attempts: history.attempts })
    await this.#inBucket((opened) => opened.put(this.#key(sequence), value))
  }

  async remove(sequence: number): Promise<void> {
    await this.#bucket.purge(this.#key(sequence))
  }

  /** A bucket that somebody has deleted is made again, and asked once more. */
  async #inBucket<T>(work: (opened: KV) => Promise<T>): Promise<T> {
    try {
      return await work(this.#bucket)
    } catch (error) {
      if (!isGone(error)) throw error
      this.#bucket = await openBucket(this.#nats, this.#scope)
      return work(this.#bucket)
    }
  }

  #key(sequence: number): string {
    return `${this.#prefix}.${sequence}`
  }
}

/**
 * Not read directly: any replica may answer then, with what it knew before the last word, and servers before 2.10 do
 * not answer at all for a bucket that is gone.
 */
function openBucket(nats: NatsConnection, { replicas }: Scope): Promise<KV> {
  const options = { history: 1, ttl: keptMs, replicas, allow_direct: false }
  return new Kvm(jetstream(nats, apiOptions)).create(bucket, options)
}

/** Nobody answers for what is written to a bucket that is not there, which the client takes for no JetStream at all. */
function isGone(error: unknown): boolean {
  return absence(error) !== 'not-known'
}

function prefixOf(scope: Omit<Scope, 'replicas'>): string {
  return [token(scope.stream), scope.created.replace(/\D/g, ''), token(scope.consumer)].join('.')
}

/** A name as a token of a key, whatever characters it holds. */
function token(name: string): string {
  return Buffer.from(name).toString('base64url')
}

function parse(value: unknown): DeliveryHistory {
  if (typeof value !== 'object' || value === null) return nothing
  const { give_backs: giveBacks, attempts } = { give_backs: 0, attempts: 0, ...value }
  return { giveBacks: count(giveBacks), attempts: count(attempts) }
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}
