import { PriorityQueue } from '../lib/priority-queue.ts'

/** What the order of service looks at. */
export interface Queued {
  readonly tenantId: string
  /** 0–100, higher first within a tenant. */
  readonly priority: number
  /** When this worker received it, in monotonic milliseconds. */
  readonly receivedAt: number
  /** When it must have started, in monotonic milliseconds. */
  readonly deadlineAt: number | undefined
  /** The slot time it is expected to take, in milliseconds. */
  readonly cost: number
}

/**
 * Slot time each tenant is granted in a round, in milliseconds. Small, so that jobs of equal length alternate between
 * tenants, and large enough that tiny jobs do not pay for a round each.
 */
export const quantumMs = 10

/** A job that waits gains one point of priority in this many milliseconds, so a job of priority 0 overtakes fresh ones of 100 after 100 s. */
const agingStepMs = 1000

interface Line<T extends Queued> {
  readonly jobs: PriorityQueue<T>
  /** Slot time granted and not used up yet, in milliseconds. */
  deficit: number
}

/** All jobs age alike, so which of two comes first never changes while they wait, and a heap can hold them. */
function rank(job: Queued): number {
  return Math.floor(job.receivedAt / agingStepMs) - job.priority
}

function before(a: Queued, b: Queued): boolean {
  const byRank = rank(a) - rank(b)
  if (byRank !== 0) return byRank < 0
  const deadlineA = a.deadlineAt ?? Number.POSITIVE_INFINITY
  const deadlineB = b.deadlineAt ?? Number.POSITIVE_INFINITY
  return deadlineA === deadlineB ? a.receivedAt < b.receivedAt : deadlineA < deadlineB
}

/** The jobs that wait for one pool: tenants in turn by deficit round robin; inside a tenant by ageing priority, then deadline, then age. */
export class FairQueue<T extends Queued> {
  /** In the order of their turns: who has used up its turn moves to the end. */
  readonly #lines = new Map<string, Line<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Every waiting job, in no order. */
  *jobs(): Iterable<T> {
    for (const line of this.#lines.values()) yield* line.jobs
  }

  add(job: T): void {
    let line = this.#lines.get(job.tenantId)
    if (line === undefined) {
      line = { jobs: new PriorityQueue<T>(before), deficit: 0 }
      this.#lines.set(job.tenantId, line)
    }
    line.jobs.push(job)
    this.#size++
  }

  /** Takes a job out before its turn; false when it is not waiting here. */
  remove(job: T): boolean {
    const line = this.#lines.get(job.tenantId)
    if (!line?.jobs.remove(job)) return false
    this.#size--
    if (line.jobs.size === 0) this.#lines.delete(job.tenantId)
    return true
  }

  /** The job whose turn it is among the tenants that may run one now; undefined when none of them waits. */
  next(mayRun: (tenantId: string) => boolean): T | undefined {
    return this.#serve(mayRun) ?? (this.#grantRounds(mayRun) ? this.#serve(mayRun) : undefined)
  }

  #serve(mayRun: (tenantId: string) => boolean): T | undefined {
    for (const [tenantId, line] of this.#lines) {
      const first = line.jobs.peek()
      if (first === undefined || line.deficit < first.cost || !mayRun(tenantId)) continue
      line.jobs.pop()
      this.#size--
      line.deficit -= first.cost
      this.#endTurn(tenantId, line)
      return first
    }
    return undefined
  }

  #endTurn(tenantId: string, line: Line<T>): void {
    const following = line.jobs.peek()
    if (following !== undefined && line.deficit >= following.cost) return
    this.#lines.delete(tenantId)
    if (following !== undefined) this.#lines.set(tenantId, line)
  }

  /** Grants as many rounds at once as the tenant nearest to its next job still needs. */
  #grantRounds(mayRun: (tenantId: string) => boolean): boolean {
    const eligible: Line<T>[] = []
    let rounds = Number.POSITIVE_INFINITY
    for (const [tenantId, line] of this.#lines) {
      const first = line.jobs.peek()
      if (first === undefined || !mayRun(tenantId)) continue
      eligible.push(line)
      rounds = Math.min(rounds, Math.ceil((first.cost - line.deficit) / quantumMs))
    }
    for (const line of eligible) line.deficit += rounds * quantumMs
    return eligible.length > 0
  }
}
