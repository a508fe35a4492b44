/** Time, as something that is handed in: the only place that touches the runtime's clock and timers. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. May jump; only for what people and other machines read. */
  now(): number
  /** Milliseconds since some fixed moment; never goes back. For measuring and for limits. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `run` after everything that is ready now, timers and input included, has had its turn. */
  soon(run: () => void): void
  /** Calls `run` once after `ms`, unless cancelled. */
  after(ms: number, run: () => void): Timer
  /** Calls `run` every `ms` until cancelled. */
  every(ms: number, run: () => void): Timer
}

/** A timer that can be called off; calling it off twice is harmless. */
export interface Timer {
  cancel(): void
}

/** setTimeout's own limit: a longer wait would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = systemClock.after(ms, () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      const abort = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
    })
  },
  soon(run) {
    setImmediate(run)
  },
  after(ms, run) {
    let left = ms
    let handle: ReturnType<typeof setTimeout>
    const arm = (): void => {
      const step = Math.min(left, longestTimerMs)
      left -= step
      handle = setTimeout(left > 0 ? arm : run, step)
    }
    arm()
    return { cancel: () => clearTimeout(handle) }
  },
  every(ms, run) {
    const handle = setInterval(run, ms)
    return { cancel: () => clearInterval(handle) }
  },
}
