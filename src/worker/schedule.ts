import type { Pool } from '../handler.ts'
import { FairQueue, type Queued } from './fair-queue.ts'

/** A job as the schedule sees it. */
export interface Schedulable extends Queued {
  readonly pool: Pool
}

/** How many jobs may run at once. */
export interface Limits {
  readonly total: number
  readonly pools: Readonly<Record<Pool, number>>
  /** For one tenant over both pools; none when undefined. */
  readonly perTenant: number | undefined
}

/** Who runs next, and who runs now. Pure: it holds no clock, no timer and no promise. */
export class Schedule<T extends Schedulable> {
  readonly #limits: Limits
  readonly #queues: Readonly<Record<Pool, FairQueue<T>>> = { cpu: new FairQueue<T>(), io: new FairQueue<T>() }
  readonly #running: Record<Pool, number> = { cpu: 0, io: 0 }
  readonly #runningByTenant = new Map<string, number>()
  readonly #waitingByTenant = new Map<string, number>()
  #firstPool: Pool = 'cpu'

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get running(): number {
    return this.#running.cpu + this.#running.io
  }

  get waiting(): number {
    return this.#queues.cpu.size + this.#queues.io.size
  }

  depth(pool: Pool): number {
    return this.#queues[pool].size
  }

  *jobs(): Iterable<T> {
    yield* this.#queues.cpu.jobs()
    yield* this.#queues.io.jobs()
  }

  add(job: T): void {
    this.#queues[job.pool].add(job)
    shift(this.#waitingByTenant, job.tenantId, 1)
  }

  /** Takes a job out before its turn; false when it does not wait. */
  remove(job: T): boolean {
    if (!this.#queues[job.pool].remove(job)) return false
    shift(this.#waitingByTenant, job.tenantId, -1)
    return true
  }

  /** The next job that has a slot, which is taken with it; undefined when no waiting job can run now. Give it back with `release`. */
  next(): T | undefined {
    if (this.running >= this.#limits.total) return undefined
    const first = this.#firstPool
    const second = first === 'cpu' ? 'io' : 'cpu'
    const job = this.#nextOf(first) ?? this.#nextOf(second)
    if (job === undefined) return undefined
    // The pools take turns, so that neither starves the other of the slots they share.
    this.#firstPool = job.pool === 'cpu' ? 'io' : 'cpu'
    this.#running[job.pool]++
    shift(this.#runningByTenant, job.tenantId, 1)
    shift(this.#waitingByTenant, job.tenantId, -1)
    return job
  }

  /** The slot of a job that came from `next` is free again. */
  release(job: T): void {
    this.#running[job.pool]--
    shift(this.#runningByTenant, job.tenantId, -1)
  }

  /**
   * Who makes room for a job of this tenant in a full queue of `capacity`: the newest waiting job of the tenant with the
   * most, provided that the new one's tenant has less than its equal share. Undefined: no one does.
   */
  makesRoomFor(tenantId: string, capacity: number): T | undefined {
    const tenants = this.#waitingByTenant.size + (this.#waitingByTenant.has(tenantId) ? 0 : 1)
    if ((this.#waitingByTenant.get(tenantId) ?? 0) + 1 > capacity / tenants) return undefined
    const fullest = this.#fullestTenant()
    return fullest === undefined || fullest === tenantId ? undefined : this.#newestOf(fullest)
  }

  #nextOf(pool: Pool): T | undefined {
    if (this.#running[pool] >= this.#limits.pools[pool]) return undefined
    const perTenant = this.#limits.perTenant
    return this.#queues[pool].next(
      (tenantId) => perTenant === undefined || (this.#runningByTenant.get(tenantId) ?? 0) < perTenant,
    )
  }

  #fullestTenant(): string | undefined {
    let fullest: string | undefined
    let most = 0
    for (const [tenantId, waiting] of this.#waitingByTenant) {
      if (waiting <= most) continue
      fullest = tenantId
      most = waiting
    }
    return fullest
  }

  #newestOf(tenantId: string): T | undefined {
    let newest: T | undefined
    for (const job of this.jobs()) {
      if (job.tenantId === tenantId && (newest === undefined || job.receivedAt >= newest.receivedAt)) newest = job
    }
    return newest
  }
}

function shift(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
