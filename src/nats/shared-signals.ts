/**
 * Many waits on few signals. A listener for each wait would make adding one linear in how many there are, for a signal
 * looks through all its listeners first; here each signal has one.
 */
export class SharedSignals<T> {
  readonly #stop: (wait: T, reason: unknown) => void
  readonly #waits = new WeakMap<AbortSignal, Set<T>>()

  /** `stop` ends a wait whose signal has aborted. */
  constructor(stop: (wait: T, reason: unknown) => void) {
    this.#stop = stop
  }

  enter(wait: T, signal: AbortSignal | undefined): void {
    if (signal === undefined) return
    const waits = this.#waits.get(signal) ?? this.#listen(signal)
    waits.add(wait)
  }

  leave(wait: T, signal: AbortSignal | undefined): void {
    if (signal !== undefined) this.#waits.get(signal)?.delete(wait)
  }

  #listen(signal: AbortSignal): Set<T> {
    const waits = new Set<T>()
    this.#waits.set(signal, waits)
    signal.addEventListener('abort', () => {
      for (const wait of waits) this.#stop(wait, signal.reason)
    })
    return waits
  }
}
