import { JobError } from '../../errors.ts'

/** How much a job may bring back, over all its statements. */
export interface RowLimits {
  readonly maxRows: number
  /** Of its rows as JSON, in bytes. */
  readonly maxBytes: number
  /** What fits is enough: more is no error. */
  readonly truncate: boolean
}

/** Values that become short as JSON (white space, bytes in hexadecimal) may come this much longer. */
const longerAsText = 2

/** Counts what a job brings back. */
export class RowBudget {
  readonly truncate: boolean
  readonly #limits: RowLimits
  #rows: number
  #bytes: number
  #textBytes: number

  constructor(limits: RowLimits) {
    this.truncate = limits.truncate
    this.#limits = limits
    this.#rows = limits.maxRows
    this.#bytes = limits.maxBytes
    this.#textBytes = limits.maxBytes * longerAsText
  }

  get rowsLeft(): number {
    return this.#rows
  }

  /** The size of what was taken, as JSON. */
  get taken(): number {
    return this.#limits.maxBytes - this.#bytes
  }

  /** Whether all of this may come: rows, and their values as the server wrote them. Throws unless less is enough. */
  foresee(rows: number, textBytes: number): void {
    if (this.truncate) return
    if (rows > this.#rows) throw this.#tooMany()
    if (textBytes > this.#textBytes) throw this.#tooLarge()
  }

  /** Whether a row, of which this is the size as the server wrote it, may be looked at; throws unless less is enough. */
  admits(textBytes: number): boolean {
    if (this.#rows < 1) return this.#over(() => this.#tooMany())
    if (textBytes > this.#textBytes) return this.#over(() => this.#tooLarge())
    this.#textBytes -= textBytes
    return true
  }

  /** Whether a row of this size as JSON is kept, which is then counted; throws unless less is enough. */
  takes(jsonBytes: number): boolean {
    if (jsonBytes > this.#bytes) return this.#over(() => this.#tooLarge())
    this.#bytes -= jsonBytes
    this.#rows--
    return true
  }

  /** Counts what stands beside the rows, in bytes of JSON; throws when it does not fit, for nothing of it can be left out. */
  takesBeside(jsonBytes: number): void {
    if (jsonBytes > this.#bytes) throw this.#tooLarge()
    this.#bytes -= jsonBytes
  }

  #over(error: () => JobError): false {
    if (!this.truncate) throw error()
    return false
  }

  #tooMany(): JobError {
    const details = { limit: 'rows', max: this.#limits.maxRows }
    return new JobError('QUOTA_EXCEEDED', 'The statements give more rows than are allowed', { details })
  }

  #tooLarge(): JobError {
    const details = { limit: 'bytes', max: this.#limits.maxBytes }
    return new JobError('OUTPUT_TOO_LARGE', 'The rows are larger than is allowed', { details })
  }
}
