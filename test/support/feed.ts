import { systemClock } from '../../src/lib/clock.ts'

const usualLimitMs = 4000

/** Things that arrive one by one, and waiting for one of them. */
export class Feed<T> {
  readonly all: T[] = []
  readonly #name: string
  readonly #hearers = new Set<() => void>()

  /** `name` is for the message when something does not come. */
  constructor(name: string) {
    this.#name = name
  }

  push(item: T): void {
    this.all.push(item)
    for (const hear of [...this.#hearers]) hear()
  }

  /** The first that fits, old or new; rejects with everything that came when there is none within the limit. */
  async first(fits: (item: T) => boolean = () => true, limitMs?: number): Promise<T> {
    const [first] = await this.some(1, fits, limitMs)
    // `some` resolves with as many as it was asked for.
    return first as T
  }

  /** The first `count` that fit. */
  some(count: number, fits: (item: T) => boolean = () => true, limitMs: number = usualLimitMs): Promise<T[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.all.filter(fits)
        if (found.length < count) return
        settle(() => resolve(found.slice(0, count)))
      }
      const settle = (end: () => void): void => {
        this.#hearers.delete(look)
        late.cancel()
        end()
      }
      const late = systemClock.after(limitMs, () => {
        const said = this.all.map((item) => JSON.stringify(item)).join('\n')
        settle(() => reject(new Error(`${this.#name}: not ${count} within ${limitMs} ms; there were\n${said}`)))
      })
      this.#hearers.add(look)
      look()
    })
  }
}
