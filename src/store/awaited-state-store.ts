import type { DeliveryMode } from '../bus/bus.ts'
import { ConfigError } from '../errors.ts'
import type { Logger } from '../observe/logger.ts'
import { type Entry, type StateStore, StoreError, type Version } from './state-store.ts'

interface AwaitedParts {
  /** How assignments arrive, which is not known at first. */
  readonly mode: () => DeliveryMode
  readonly openShared: () => StateStore
  /** Rejects with a ConfigError when the file cannot be used. */
  readonly openFile: () => Promise<StateStore>
  readonly log: Logger
}

/**
 * A store that is chosen when it is known how assignments arrive, and then stays what it is: records that wait in one
 * are not found in the other. Until then it can keep nothing.
 */
export class AwaitedStateStore implements StateStore {
  readonly #parts: AwaitedParts
  #chosen: StateStore | undefined
  #choosing: Promise<void> | undefined
  #problem = 'not known yet whether assignments come from a stream'
  #closed = false
  #warned = false

  constructor(parts: AwaitedParts) {
    this.#parts = parts
  }

  /** Infinite until it is known. */
  get maxValueBytes(): number {
    return this.#chosen?.maxValueBytes ?? Number.POSITIVE_INFINITY
  }

  /** `process` until it is known. */
  get reach(): StateStore['reach'] {
    return this.#chosen?.reach ?? 'process'
  }

  health(): string {
    void this.#choose()
    return this.#chosen?.health() ?? this.#problem
  }

  async create(key: string, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    return (await this.#store()).create(key, value, dueAt, signal)
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    return (await this.#store()).get(key, signal)
  }

  async replace(version: Version, value: Uint8Array, dueAt: number | undefined, signal: AbortSignal) {
    return (await this.#store()).replace(version, value, dueAt, signal)
  }

  async remove(version: Version, signal: AbortSignal): Promise<boolean> {
    return (await this.#store()).remove(version, signal)
  }

  async list(prefix: string, after: string | undefined, limit: number, signal: AbortSignal) {
    return (await this.#store()).list(prefix, after, limit, signal)
  }

  async due(now: number, limit: number, signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#store()).due(now, limit, signal)
  }

  count(prefix: string): number {
    return this.#chosen?.count(prefix) ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#choosing
    await this.#chosen?.[Symbol.asyncDispose]()
  }

  async #store(): Promise<StateStore> {
    await this.#choose()
    if (this.#chosen !== undefined) return this.#chosen
    throw new StoreError('unreachable', `The state cannot be reached: ${this.#problem}`)
  }

  /** Never rejects. */
  #choose(): Promise<void> {
    if (this.#chosen !== undefined) this.#warnOfChange(this.#chosen)
    else if (!this.#closed) this.#choosing ??= this.#attempt().finally(() => (this.#choosing = undefined))
    return this.#choosing ?? Promise.resolve()
  }

  async #attempt(): Promise<void> {
    const { mode, openShared, openFile, log } = this.#parts
    const found = mode()
    if (found === 'unknown') return
    try {
      this.#chosen = found === 'jetstream' ? openShared() : await openFile()
      const { reach } = this.#chosen
      log.info(reach === 'fleet' ? 'Keeping approvals in JetStream' : 'Keeping approvals in a file of this worker')
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      if (this.#problem !== error.message) log.error('Approvals cannot be kept', { error })
      this.#problem = error.message
    }
  }

  #warnOfChange({ reach }: StateStore): void {
    if (this.#warned || reach === 'fleet' || this.#parts.mode() !== 'jetstream') return
    this.#warned = true
    this.#parts.log.warn('Assignments come from a stream now; approvals stay in the file until the worker starts again')
  }
}
