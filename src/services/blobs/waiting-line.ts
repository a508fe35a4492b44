/** Lets one at a time through under each key, in the order in which they came. */
export class WaitingLine {
  /** Who is inside stands first. */
  readonly #lines = new Map<string, Set<() => void>>()

  /** Resolves when nobody is inside, with what is to be called on leaving; rejects with the signal's reason. */
  async enter(key: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const line = this.#lines.get(key) ?? new Set<() => void>()
    this.#lines.set(key, line)
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        line.delete(admit)
        reject(signal.reason)
      }
      const leave = (): void => {
        line.delete(admit)
        const [next] = line
        if (next === undefined) this.#lines.delete(key)
        else next()
      }
      const admit = (): void => {
        signal.removeEventListener('abort', abort)
        resolve(leave)
      }
      line.add(admit)
      if (line.size === 1) admit()
      else signal.addEventListener('abort', abort, { once: true })
    })
  }
}
