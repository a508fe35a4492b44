import { exitCodes } from './exit-code.ts'

/**
 * For how long a repeated interrupt is the same one, in milliseconds: one Ctrl-C arrives from the terminal and, where
 * the process was started by another (`bun run`, `npx`), from that one as well.
 */
const sameInterruptMs = 500

/** The wish to end the process, from wherever it comes; the first one that is not 0 decides the exit code. */
export class Ending {
  readonly #controller = new AbortController()
  readonly #crashHearers = new Set<(error: unknown) => void>()
  #code = 0
  #interruptedAtMs: number | undefined

  /** Aborts when the process shall end. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What the process shall end with; 0 as long as nothing went wrong. */
  get code(): number {
    return this.#code
  }

  /** Resolves when the process shall end. */
  get requested(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve()
      else this.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  request(code: number): void {
    if (this.#code === 0) this.#code = code
    this.#controller.abort()
  }

  /**
   * A person or a supervisor interrupts the process, at a time that never goes back. `end`: it is not the first time, so
   * nothing is waited for any more.
   */
  interrupt(nowMs: number): 'drain' | 'end' {
    this.#interruptedAtMs ??= nowMs
    this.request(exitCodes.done)
    return nowMs - this.#interruptedAtMs < sameInterruptMs ? 'drain' : 'end'
  }

  /** Something was thrown that nobody caught: whoever listens writes it down, and the process drains and ends with 1. */
  crash(error: unknown): void {
    for (const hear of this.#crashHearers) hear(error)
    this.request(exitCodes.failed)
  }

  /** Returns how to stop listening. */
  onCrash(hear: (error: unknown) => void): () => void {
    this.#crashHearers.add(hear)
    return () => {
      this.#crashHearers.delete(hear)
    }
  }
}
