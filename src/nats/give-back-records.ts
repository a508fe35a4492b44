import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/nats-core'
import type { DeliveryHistory } from '../bus/bus.ts'

/** One bucket for all fleets of an account; the keys tell streams and consumers apart. */
const bucket = 'BEAMLINE_GIVE_BACKS'
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

/** What the holders of a stored message write down for each other. One holds it at a time, so the last word counts. */
export class GiveBackRecords {
  readonly #bucket: KV
  readonly #prefix: string

  private constructor(opened: KV, scope: Scope) {
    this.#bucket = opened
    this.#prefix = [token(scope.stream), scope.created.replace(/\D/g, ''), token(scope.consumer)].join('.')
  }

  /** Opens the bucket, and makes it when it is missing. */
  static async open(nats: NatsConnection, scope: Scope): Promise<GiveBackRecords> {
    const opened = await new Kvm(nats).create(bucket, { history: 1, ttl: keptMs, replicas: scope.replicas })
    return new GiveBackRecords(opened, scope)
  }

  /** Rejects when it cannot be known now. */
  async read(sequence: number): Promise<DeliveryHistory> {
    const entry = await this.#bucket.get(this.#key(sequence))
    return entry === null || entry.operation !== 'PUT' ? nothing : parse(entry.json())
  }

  async write(sequence: number, history: DeliveryHistory): Promise<void> {
    const value = JSON.stringify({ give_backs: history.giveBacks, attempts: history.attempts })
    await this.#bucket.put(this.#key(sequence), value)
  }

  async remove(sequence: number): Promise<void> {
    await this.#bucket.purge(this.#key(sequence))
  }

  #key(sequence: number): string {
    return `${this.#prefix}.${sequence}`
  }
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
