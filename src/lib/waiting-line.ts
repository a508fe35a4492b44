import type { Clock } from './clock.ts'
import { TenantQueue } from './tenant-queue.ts'

interface Waiter {
  readonly tenantId: string
  admit(): void
  refuse(error: unknown): void
}

interface Patience {
  readonly clock: Clock
  /** The longest wait, in milliseconds. */
  readonly limitMs: number
  /** What the wait rejects with when it was too long. */
  readonly late: () => Error
}

/** Those who wait for room: each tenant's in the order in which they came, the tenants in turn. */
export class WaitingLine {
  readonly #queue = new TenantQueue<Waiter>()

  get length(): number {
    return this.#queue.size
  }

  /** Resolves when it is admitted; rejects after too long a wait, when all are refused, and with the signal's reason. */
  wait(tenantId: string, { clock, limitMs, late }: Patience, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#queue.remove(tenantId, waiter)
        limit.cancel()
        signal.removeEventListener('abort', abort)
      }
      const refuse = (error: unknown): void => {
        end()
        reject(error)
      }
      const waiter: Waiter = {
        tenantId,
        admit() {
          end()
          resolve()
        },
        refuse,
      }
      const abort = (): void => refuse(signal.reason)
      const limit = clock.after(limitMs, () => refuse(late()))
      this.#queue.push(tenantId, waiter)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  /** Lets in the oldest of the tenant whose turn it is, which then stands last; false when nobody waits. */
  admit(): boolean {
    const next = this.#queue.take()
    next?.admit()
    return next !== undefined
  }

  /** The same among those tenants who may come in; the tenant of the one who did, undefined when nobody did. */
  admitOf(may: (tenantId: string) => boolean): string | undefined {
    const next = this.#queue.take(may)
    next?.admit()
    return next?.tenantId
  }

  /** Sends everybody away. */
  refuse(error: unknown): void {
    for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take()) next.refuse(error)
  }
}
