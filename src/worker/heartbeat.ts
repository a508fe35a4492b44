import { hostname } from 'node:os'
import type { Bus } from '../bus/bus.ts'
import { buildInfo } from '../lib/build-info.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { EnvelopeMode } from '../protocol/envelope.ts'
import { encodeHeartbeat, type Heartbeat } from '../protocol/heartbeat.ts'

interface Options {
  readonly bus: Pick<Bus, 'emit' | 'connected'>
  readonly subject: string
  readonly envelope: EnvelopeMode
  readonly workerId: string
  readonly intervalMs: number
  readonly jobTypes: readonly string[]
  readonly sandbox: boolean
  /** Jobs that run now, and the most that may. */
  readonly running: () => number
  readonly limit: number
  /** Jobs that wait here. */
  readonly waiting: () => number
  readonly clock: Clock
  readonly metrics: Metrics
}

/** Tells the fleet, again and again, that this worker is alive and how busy it is. */
export class Heartbeats implements Disposable {
  readonly #options: Options
  #timer: Timer | undefined
  #draining = false
  #cpu = process.cpuUsage()
  #measuredAt: number

  constructor(options: Options) {
    this.#options = options
    this.#measuredAt = options.clock.monotonic()
  }

  start(): void {
    this.#beat()
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => this.#beat())
  }

  /** Says once that the worker is draining; later beats repeat it. */
  drain(): void {
    this.#draining = true
    this.#beat()
  }

  /** The last one. */
  stop(): void {
    this.#timer?.cancel()
    this.#send('stopped')
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
  }

  #beat(): void {
    const busy = this.#options.running() > 0 ? 'busy' : 'idle'
    this.#send(this.#draining ? 'draining' : busy)
  }

  #send(status: Heartbeat['status']): void {
    const { bus, subject, envelope, clock, metrics } = this.#options
    // An old sign of life, sent on reconnecting, would be none.
    if (!bus.connected) return
    bus.emit({ subject, body: encodeHeartbeat({ ...this.#state(), status, timestamp: clock.now() }, envelope) })
    metrics.heartbeatSent()
  }

  #state(): Omit<Heartbeat, 'status' | 'timestamp'> {
    const { workerId, running, limit, waiting, jobTypes, sandbox } = this.#options
    return {
      workerId,
      load: running() / limit,
      resources: {
        cpu: this.#cpuShare(),
        memBytes: process.memoryUsage.rss(),
        jobsInFlight: running(),
        queueDepth: waiting(),
      },
      metadata: { version: buildInfo.version, host: hostname(), jobTypes, sandbox },
    }
  }

  /** Share of one core since the last beat. */
  #cpuShare(): number {
    const now = this.#options.clock.monotonic()
    const used = process.cpuUsage(this.#cpu)
    const elapsedMs = now - this.#measuredAt
    this.#cpu = process.cpuUsage()
    this.#measuredAt = now
    return elapsedMs > 0 ? (used.user + used.system) / 1000 / elapsedMs : 0
  }
}
