/** Lets a few in at a time. For one caller that enters, and many that leave. */
export class Room {
  readonly #places: number
  #taken = 0
  #changed: () => void = () => undefined

  constructor(places: number) {
    this.#places = places
  }

  get taken(): number {
    return this.#taken
  }

  /** Resolves when there was a place, which is taken then. */
  async enter(): Promise<void> {
    while (this.#taken >= this.#places) await this.#change()
    this.#taken += 1
  }

  leave(): void {
    this.#taken -= 1
    this.#changed()
  }

  /** Resolves when nobody is in. */
  async emptied(): Promise<void> {
    while (this.#taken > 0) await this.#change()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }
}
