/** Everything that is counted, under the names that dashboards know. One registry for each instance. */
import { Registry } from 'prom-client'
import { type Clock, systemClock, type Timer } from '../lib/clock.ts'
import { type Count, counter, gauge, histogram, type Observe, type Reading } from './instruments.ts'
import { asOpenMetrics, openMetricsType, wantsOpenMetrics } from './open-metrics.ts'
import { declareProcessUsage } from './process-usage.ts'

/** What became of an assignment when it arrived. */
export type AssignmentOutcome =
  | 'accepted'
  | 'rejected'
  | 'duplicate'
  | 'conflict'
  | 'malformed'
  | 'ignored'
  | 'expired'
  | 'reoffered'

/** What is not counted but read whenever somebody asks. */
export interface Gauges {
  ready(): boolean
  activeJobs(): number
  queueDepth(pool: 'cpu' | 'io'): number
  slots(pool: 'cpu' | 'io'): number
  /** Of the consumer that the fleet shares; undefined where there is none. */
  consumer(): { readonly pending: number; readonly ackPending: number } | undefined
  deadLetters(): { readonly bytes: number; readonly entries: number } | undefined
  databases(): { readonly busy: number; readonly idle: number; readonly waiting: number }
  /** Undefined until they were counted. */
  blobs(): { readonly bytes: number; readonly blobs: number } | undefined
  /** Of tenants and the origins that they send requests to. */
  breakers(): { readonly closed: number; readonly open: number; readonly halfOpen: number }
  /** Busy is also one that gets ready for the next task. */
  scriptThreads(): { readonly busy: number; readonly idle: number }
  waitingScriptTasks(): number
  /** Undefined where nothing is kept. */
  parkedJobs(): number | undefined
}

interface Build {
  readonly version: string
  readonly bun: string
  readonly commit: string
}

const jobBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const approvalBuckets = [1, 10, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 259_200, 604_800, 2_592_000]
const lagBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const lagProbeMs = 500

/** Counts what the worker does. Durations are in seconds; `type` is a canonical job type or `unknown`. */
export class Metrics implements Disposable {
  /** What became of one assignment. */
  readonly assignment: (outcome: AssignmentOutcome) => void
  /** From the receipt of a job to its first start. */
  readonly jobWaited: (seconds: number) => void
  readonly jobFailed: (type: string, errorCode: string) => void
  readonly jobRetried: (type: string, errorCode: string) => void
  readonly jobStuck: (type: string) => void
  readonly deadLetterWritten: (reason: string) => void
  readonly notificationSuppressed: () => void
  readonly heartbeatSent: () => void
  readonly resultPublished: () => void
  readonly resultPublishRetried: () => void
  readonly redelivered: () => void
  readonly natsReconnected: () => void
  readonly blobRemoved: (reason: 'expired' | 'deleted' | 'temporary') => void
  readonly scriptThreadReplaced: (reason: string) => void
  /** How a question to people ended. */
  readonly approvalEnded: (kind: 'approved' | 'rejected' | 'expired' | 'cancelled') => void
  /** From the question to its decision, by people or by time. */
  readonly approvalWaited: (seconds: number) => void
  readonly #registry = new Registry()
  readonly #jobs: Count
  readonly #durations: Observe
  readonly #probe: Timer
  #gauges: Partial<Gauges> = {}
  #connected = 0

  constructor(build: Build, clock: Clock = systemClock) {
    const count = (name: string, help: string, labels: readonly string[] = []): Count =>
      counter(this.#registry, name, help, labels)
    const byJob = ['type', 'status']
    const byError = ['type', 'error_code']
    this.#jobs = count('worker_jobs_total', 'Jobs that ended, by how.', byJob)
    this.#durations = histogram(
      this.#registry,
      'worker_job_duration_seconds',
      'From the first start of a job to its end, waits between attempts included.',
      jobBuckets,
      byJob,
    )
    this.jobWaited = histogram(
      this.#registry,
      'worker_job_wait_seconds',
      'From the receipt of a job to its first start.',
      jobBuckets,
    )
    this.assignment = count('worker_assignments_total', 'Assignments received, by what became of them.', ['outcome'])
    this.jobFailed = count('worker_job_errors_total', 'Jobs that ended without success.', byError)
    this.jobRetried = count('worker_job_retries_total', 'Attempts after the first.', byError)
    this.jobStuck = count('worker_stuck_jobs_total', 'Handlers that ignored their signal.', ['type'])
    this.deadLetterWritten = count('worker_dlq_writes_total', 'Dead letters written, by reason.', ['reason'])
    this.notificationSuppressed = count(
      'worker_dlq_notifications_suppressed_total',
      'Notifications of dead letters that were not sent, for there were too many.',
    )
    this.heartbeatSent = count('worker_heartbeats_sent_total', 'Heartbeats sent.')
    this.resultPublished = count('worker_results_published_total', 'Results known to have arrived.')
    this.resultPublishRetried = count('worker_result_publish_retries_total', 'Results that were sent again.')
    this.redelivered = count('worker_redeliveries_total', 'Deliveries of a message that was delivered before.')
    this.natsReconnected = count('worker_nats_reconnects_total', 'Times the connection to NATS came back.')
    this.scriptThreadReplaced = count(
      'worker_script_threads_replaced_total',
      'Script threads that were given up, by why: start, load, crash or stuck.',
      ['reason'],
    )
    this.blobRemoved = count(
      'worker_blob_removals_total',
      'Files removed from the store, by why: expired, deleted, or temporary ones of processes that have ended.',
      ['reason'],
    )
    this.approvalEnded = count(
      'worker_approval_decisions_total',
      'Questions to people that ended, by how: approved, rejected, expired or cancelled.',
      ['kind'],
    )
    this.approvalWaited = histogram(
      this.#registry,
      'worker_approval_wait_seconds',
      'From a question to its decision.',
      approvalBuckets,
    )
    this.#declareReadings(build)
    declareProcessUsage(this.#registry, clock)
    this.#probe = probeLag(this.#registry, clock)
  }

  /** Says where gauges are read from; what was said before stays for those that are not named. */
  observe(gauges: Partial<Gauges>): void {
    this.#gauges = { ...this.#gauges, ...gauges }
  }

  /** One job ended: with which status, and how long after its first start. */
  jobEnded(type: string, status: string, seconds: number): void {
    this.#jobs(type, status)
    this.#durations(seconds, type, status)
  }

  natsConnected(connected: boolean): void {
    this.#connected = connected ? 1 : 0
  }

  /** The scrape: Prometheus text, or OpenMetrics when the `Accept` header asks for it. */
  async text(accept?: string): Promise<{ readonly contentType: string; readonly body: string }> {
    const body = await this.#registry.metrics()
    return wantsOpenMetrics(accept)
      ? { contentType: openMetricsType, body: asOpenMetrics(body) }
      : { contentType: this.#registry.contentType, body }
  }

  /** Stops measuring the event loop. */
  [Symbol.dispose](): void {
    this.#probe.cancel()
  }

  #declareReadings({ version, bun, commit }: Build): void {
    const read = (name: string, help: string, value: (from: Partial<Gauges>) => number | undefined): void =>
      gauge(this.#registry, name, help, [], () => [[value(this.#gauges)]])
    const readPools = (name: string, help: string, value: (pool: 'cpu' | 'io') => number | undefined): void =>
      gauge(this.#registry, name, help, ['pool'], () => pools.map((pool): Reading => [value(pool), pool]))
    const shared = 'the same on every worker: use max(), not sum()'
    gauge(this.#registry, 'worker_build_info', 'What is running; always 1.', ['version', 'bun', 'commit'], () => [
      [1, version, bun, commit],
    ])
    read('worker_active_jobs', 'Jobs that are running now.', (from) => from.activeJobs?.())
    readPools('worker_queue_depth', 'Jobs that wait for a slot.', (pool) => this.#gauges.queueDepth?.(pool))
    readPools('worker_slots', 'Jobs that may run at once.', (pool) => this.#gauges.slots?.(pool))
    read(
      'worker_ready',
      'What /ready says: 1, or 0 when something is missing.',
      ({ ready }) => ready && Number(ready()),
    )
    read('worker_nats_connected', 'Whether NATS is connected: 1 or 0.', () => this.#connected)
    read(
      'worker_consumer_pending',
      `Assignments in the stream that nobody has yet; ${shared}.`,
      (from) => from.consumer?.()?.pending,
    )
    read(
      'worker_consumer_ack_pending',
      `Assignments that some worker holds; ${shared}.`,
      (from) => from.consumer?.()?.ackPending,
    )
    read('worker_parked_jobs', `Jobs that wait for people; ${shared}.`, (from) => from.parkedJobs?.())
    const box = 'workers that share a folder all tell the same: use max(), not sum()'
    read('worker_blob_bytes', `Size of the blobs; ${box}.`, (from) => from.blobs?.()?.bytes)
    read('worker_blobs', `Blobs that are stored; ${box}.`, (from) => from.blobs?.()?.blobs)
    read(
      'worker_dlq_bytes',
      'Size of the dead letters in files and, with DLQ_STREAM, in the stream.',
      (from) => from.deadLetters?.()?.bytes,
    )
    read(
      'worker_dlq_entries',
      'Dead letters in files and, with DLQ_STREAM, in the stream, whose marks count too.',
      (from) => from.deadLetters?.()?.entries,
    )
    gauge(this.#registry, 'worker_sql_connections', 'Connections to databases.', ['state'], () => {
      const counts = this.#gauges.databases?.()
      return [
        [counts?.busy, 'busy'],
        [counts?.idle, 'idle'],
      ]
    })
    read('worker_sql_waiting_jobs', 'Jobs that wait for a connection.', (from) => from.databases?.().waiting)
    gauge(
      this.#registry,
      'worker_http_breaker_state',
      'Pairs of tenant and origin, by the state of their circuit breaker.',
      ['state'],
      () => {
        const states = this.#gauges.breakers?.()
        return [
          [states?.closed, 'closed'],
          [states?.open, 'open'],
          [states?.halfOpen, 'half_open'],
        ]
      },
    )
    gauge(this.#registry, 'worker_script_threads', 'Script threads that run, by what they do.', ['state'], () => {
      const threads = this.#gauges.scriptThreads?.()
      return [
        [threads?.busy, 'busy'],
        [threads?.idle, 'idle'],
      ]
    })
    read('worker_script_waiting_tasks', 'Scripts and expressions that wait for a script thread.', (from) =>
      from.waitingScriptTasks?.(),
    )
  }
}

const pools = ['cpu', 'io'] as const

function probeLag(registry: Registry, clock: Clock): Timer {
  const lag = histogram(
    registry,
    'worker_event_loop_lag_seconds',
    'How late the event loop runs its timers.',
    lagBuckets,
  )
  let due = clock.monotonic() + lagProbeMs
  return clock.every(lagProbeMs, () => {
    const now = clock.monotonic()
    lag(Math.max(0, now - due) / 1000)
    due = now + lagProbeMs
  })
}
