/** Lets callers go when their signal aborts, and what they began come to its end. */
export class Settling {
  readonly #running = new Set<Promise<unknown>>()

  /**
   * What `run` gives; or a rejection with the signal's reason as soon as it aborts, unless `run` has called `commit` by
   * then, which throws that reason when it comes too late. What then comes of `run` all the same is given to `drop`.
   */
  run<T>(
    signal: AbortSignal,
    run: (commit: () => void) => Promise<T>,
    drop?: (result: T) => Promise<unknown> | PromiseLike<unknown>,
  ): Promise<T> {
    signal.throwIfAborted()
    let isCommitted = false
    const running = run(() => {
      signal.throwIfAborted()
      isCommitted = true
    })
    return new Promise((resolve, reject) => {
      let isLeft = false
      const abort = (): void => {
        if (isCommitted) return
        isLeft = true
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      const settled = running
        .then(async (result) => {
          resolve(result)
          if (isLeft) await drop?.(result)
        }, reject)
        .catch(() => undefined)
        .finally(() => {
          signal.removeEventListener('abort', abort)
          this.#running.delete(settled)
        })
      this.#running.add(settled)
    })
  }

  /** Resolves when nothing is running any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
