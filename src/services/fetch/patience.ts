import type { JobError } from '../../errors.ts'
import type { Clock, Timer } from '../../lib/clock.ts'
import { type Probed, probeConnect } from './connect-probe.ts'
import { connectTimeout, firstByteTimeout } from './request-failure.ts'

/** How long without an answer it may take before somebody asks whether the server accepts connections at all. */
const probeAfterMs = 250

interface Limits extends Probed {
  readonly host: string
  readonly connectMs: number
  readonly firstByteMs: number | undefined
}

/**
 * How long the head of a response is waited for: first for the connection, TLS included, then for the first byte. Whoever can tell
 * when the connection is there says `connected`; for the others, after a while, a second connection is tried. Disposed
 * when the head is there.
 */
export class Patience implements Disposable {
  readonly #limits: Limits
  readonly #clock: Clock
  /** Called once, unless disposed before. */
  readonly #over: (error: JobError) => void
  #timer: Timer | undefined
  #probe: Disposable | undefined
  #isConnected = false
  #isOver = false

  constructor(limits: Limits, clock: Clock, over: (error: JobError) => void) {
    this.#limits = limits
    this.#clock = clock
    this.#over = over
  }

  /** Waits for `connected`: the connect limit ends when that is said. */
  awaitWord(): void {
    this.#timer = this.#clock.after(this.#limits.connectMs, () => {
      // The word may be on its way to this thread.
      this.#clock.soon(() => {
        if (!this.#isConnected) this.#end(connectTimeout(this.#limits.host, true))
      })
    })
  }

  connected(): void {
    this.#isConnected = true
    this.#awaitFirstByte(this.#limits.firstByteMs)
  }

  /** Nobody will say `connected`: a probe finds out. */
  awaitProbe(): void {
    const { connectMs, firstByteMs = Number.POSITIVE_INFINITY } = this.#limits
    const quietMs = Math.min(probeAfterMs, connectMs / 2, firstByteMs)
    this.#timer = this.#clock.after(quietMs, () => {
      this.#timer = this.#clock.after(connectMs - quietMs, () => this.#end(connectTimeout(this.#limits.host, false)))
      this.#probe = probeConnect(this.#limits, () => {
        this.#timer?.cancel()
        // As long as the probe took to connect, so long the request will have taken.
        this.#awaitFirstByte(firstByteMs - quietMs)
      })
    })
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#probe?.[Symbol.dispose]()
  }

  #end(error: JobError): void {
    if (!this.#isOver) this.#over(error)
    this.#isOver = true
  }

  #awaitFirstByte(ms: number | undefined): void {
    this.#timer?.cancel()
    if (this.#isOver || ms === undefined || ms === Number.POSITIVE_INFINITY) return
    this.#timer = this.#clock.after(ms, () => this.#end(firstByteTimeout(this.#limits.host)))
  }
}
