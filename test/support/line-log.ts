import { systemClock } from '../../src/lib/clock.ts'

const usualLimitMs = 20_000

/** The lines that a process writes, and waiting for one of them. */
export class LineLog {
  readonly stdout: string[] = []
  readonly stderr: string[] = []
  readonly #hearers = new Set<() => void>()
  #ended: string | undefined

  /** Reads a stream to its end; a last line without a line end counts. */
  async read(stream: ReadableStream<Uint8Array>, to: 'stdout' | 'stderr'): Promise<void> {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      this[to].push(...lines)
      if (lines.length > 0) this.#tell()
    }
    if (rest !== '') this[to].push(rest)
  }

  /** No line will follow, and why. */
  end(reason: string): void {
    this.#ended = reason
    this.#tell()
  }

  /** The first line that fits, old or new; rejects with all that was said when there is none within the limit. */
  waitFor(fits: (line: string) => boolean, limitMs: number = usualLimitMs): Promise<string> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        this.#hearers.delete(look)
        late.cancel()
        end()
      }
      const fail = (why: string): void =>
        settle(() => reject(new Error(`No such line: ${why}\n${[...this.stdout, ...this.stderr].join('\n')}`)))
      const look = (): void => {
        const line = this.stdout.find(fits) ?? this.stderr.find(fits)
        if (line !== undefined) settle(() => resolve(line))
        else if (this.#ended !== undefined) fail(this.#ended)
      }
      const late = systemClock.after(limitMs, () => fail(`none within ${limitMs} ms`))
      this.#hearers.add(look)
      look()
    })
  }

  #tell(): void {
    for (const hear of [...this.#hearers]) hear()
  }
}
