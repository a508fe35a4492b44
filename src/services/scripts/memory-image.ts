/** The memory of an interpreter as it was at one moment. */

/**
 * Where the module that is used has its stack, in bytes: between its data and its heap. What lies there means nothing while
 * none of its functions runs.
 */
export const stackOfModule = { from: 90_208, to: 5_333_088 } as const

/** Puts an interpreter back to where it was when the image was made: whatever it did since then is undone. */
export class MemoryImage {
  readonly #memory: WebAssembly.Memory
  readonly #data: Uint8Array
  readonly #heap: Uint8Array

  /** Of a memory that has not been used for more than getting ready: all of it is copied but for the zeros at its end. */
  constructor(memory: WebAssembly.Memory) {
    const bytes = new Uint8Array(memory.buffer)
    this.#memory = memory
    this.#data = bytes.slice(0, stackOfModule.from)
    this.#heap = bytes.slice(stackOfModule.to, bytes.findLastIndex((byte) => byte !== 0) + 1)
  }

  /** How much is put back, in bytes. */
  get size(): number {
    return this.#data.length + this.#heap.length
  }

  /** None of the interpreter's functions may be running, nor have been ended by an exception. */
  restore(): void {
    const bytes = new Uint8Array(this.#memory.buffer)
    bytes.set(this.#data, 0)
    bytes.set(this.#heap, stackOfModule.to)
  }
}
