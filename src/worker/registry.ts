import type { Handler } from '../handler.ts'

/** Finds the handler of a job type by any of its spellings. */
export class Registry {
  readonly #bySpelling = new Map<string, Handler>()
  /** The canonical names, sorted. */
  readonly types: readonly string[]

  /** Throws when two handlers claim one spelling: that is a mistake in the list, not in a job. */
  constructor(handlers: readonly Handler[]) {
    for (const handler of handlers) {
      for (const spelling of [handler.type, ...(handler.aliases ?? [])]) {
        if (this.#bySpelling.has(spelling)) throw new Error(`Two handlers claim the job type ${spelling}`)
        this.#bySpelling.set(spelling, handler)
      }
    }
    this.types = handlers.map((handler) => handler.type).sort()
  }

  find(jobType: string): Handler | undefined {
    return this.#bySpelling.get(jobType)
  }
}
