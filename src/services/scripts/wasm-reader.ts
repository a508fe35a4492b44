/** Reads the binary form of WebAssembly, as far as it has to be known where each instruction ends. */

/** A place in some bytes, which moves on with each thing that is read. Reading beyond the end throws. */
export class WasmReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #position: number

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#position = position
    this.#end = end
  }

  /** Counts from the beginning of the bytes. */
  get position(): number {
    return this.#position
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#end
  }

  byte(): number {
    const byte = this.#bytes[this.#position]
    if (byte === undefined || this.isAtEnd) throw new Error('The module ends too soon')
    this.#position++
    return byte
  }

  /** An unsigned number. */
  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  text(): string {
    return new TextDecoder().decode(this.part(this.number()).rest())
  }

  /** The next bytes, to be read by themselves; this goes on behind them. */
  part(length: number): WasmReader {
    const from = this.#position
    this.skip(length)
    return new WasmReader(this.#bytes, from, this.#position)
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    const from = this.#position
    this.#position = this.#end
    return this.#bytes.subarray(from, this.#end)
  }

  skip(length: number): void {
    if (this.#position + length > this.#end) throw new Error('The module ends too soon')
    this.#position += length
  }

  /** Skips numbers, signed or not. */
  skipNumbers(count: number): void {
    for (let left = count; left > 0; left--) while (this.byte() >= 0x80);
  }

  /** Skips what follows an opcode of one byte that has been read. Throws on one that is not known. */
  skipImmediates(opcode: number): void {
    if (opcode === 0x0e || opcode === 0x1c) {
      const count = this.number()
      return this.skipNumbers(opcode === 0x0e ? count + 1 : count)
    }
    if (opcode === 0x43) return this.skip(4)
    if (opcode === 0x44) return this.skip(8)
    this.#skipKnown(numbersAfter[opcode], opcode)
  }

  /** The same for the second number of an opcode that begins with 0xfc. */
  skipPrefixedImmediates(second: number): void {
    this.#skipKnown(numbersAfterPrefix[second], second)
  }

  #skipKnown(count: number | undefined, opcode: number): void {
    if (count === undefined) throw new Error(`The module has an instruction that is not known: ${opcode}`)
    this.skipNumbers(count)
  }
}

/** How many numbers follow which opcodes of one byte, from and up to. */
const opcodes: readonly (readonly [from: number, to: number, numbers: number])[] = [
  // Blocks, branches, calls.
  [0x00, 0x01, 0],
  [0x02, 0x04, 1],
  [0x05, 0x05, 0],
  [0x0b, 0x0b, 0],
  [0x0c, 0x0d, 1],
  [0x0f, 0x0f, 0],
  [0x10, 0x10, 1],
  [0x11, 0x11, 2],
  // Values, variables, tables.
  [0x1a, 0x1b, 0],
  [0x20, 0x26, 1],
  // Memory, constants, arithmetic.
  [0x28, 0x3e, 2],
  [0x3f, 0x42, 1],
  [0x45, 0xc4, 0],
  // References.
  [0xd0, 0xd0, 1],
  [0xd1, 0xd1, 0],
  [0xd2, 0xd2, 1],
]

const numbersAfter: readonly (number | undefined)[] = Array.from(
  { length: 256 },
  (_, opcode) => opcodes.find(([from, to]) => from <= opcode && opcode <= to)?.[2],
)

/** The same for the second number of those that begin with 0xfc. */
const numbersAfterPrefix: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1]
