import type { Clock, Timer } from '../lib/clock.ts'

/** What a command says to whoever called it: results on standard output, everything else on standard error. */
export interface Output {
  readonly stdoutIsTerminal: boolean
  readonly stderrIsTerminal: boolean
  /** A line on standard output; resolves when it has been taken. */
  print(line: string): Promise<void>
  /** A line on standard error. */
  complain(line: string): void
  /** Replaces the last line of a terminal, some ten times a second at most; nothing elsewhere. An empty text removes it. */
  progress(text: string): void
  /** Resolves when everything said so far has been taken. */
  flush(): Promise<void>
}

/** Where it goes: what is used here of a stream of the process. */
export interface Sink {
  readonly isTTY: boolean
  /** The width of a terminal, in columns. */
  readonly columns?: number | undefined
  write(text: string, taken: (error?: Error | null) => void): boolean
}

interface OutputOptions {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly clock: Clock
  /** Called when the reader of standard output has gone away. */
  readonly onBroken: () => void
}

const clearLine = '\r\u001b[K'
/** How long a progress line stands at least, in milliseconds. */
const progressEveryMs = 100

/** The output of this process. `onBroken` is called when the reader of standard output has gone away. */
export function processOutput(clock: Clock, onBroken: () => void): Output {
  const { stdout, stderr } = process
  // Each failed write reports to its callback as well.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined)
  return openOutput({ stdout, stderr, clock, onBroken })
}

/** Output to two streams. */
export function openOutput({ stdout, stderr, clock, onBroken }: OutputOptions): Output {
  let last = Promise.resolve()
  let progress = ''
  let shown = ''
  let pause: Timer | undefined
  const write = (stream: Sink, text: string): Promise<void> => {
    const written = new Promise<void>((resolve) => {
      stream.write(text, (error) => {
        if (error && stream === stdout) onBroken()
        resolve()
      })
    })
    last = Promise.all([last, written]).then(() => undefined)
    return written
  }
  const beside = (text: string): string => (shown === '' ? text : `${clearLine}${text}${shown}`)
  const show = (): void => {
    pause = undefined
    // A full line would make some terminals begin the next one, which cannot be taken back.
    const cut = progress.slice(0, (stderr.columns || 80) - 1)
    if (cut === shown) return
    shown = cut
    void write(stderr, clearLine + shown)
    if (shown !== '') pause = clock.after(progressEveryMs, show)
  }
  return {
    stdoutIsTerminal: stdout.isTTY,
    stderrIsTerminal: stderr.isTTY,
    print(line) {
      if (shown !== '' && stdout.isTTY) {
        shown = ''
        void write(stderr, clearLine)
      }
      return write(stdout, `${line}\n`)
    },
    complain: (line) => void write(stderr, beside(`${line}\n`)),
    progress(text) {
      if (!stderr.isTTY) return
      progress = text
      if (text === '') pause?.cancel()
      if (text === '' || pause === undefined) show()
    },
    flush: () => last,
  }
}
