/** What a command says to whoever called it: results on standard output, everything else on standard error. */
export interface Output {
  readonly stdoutIsTerminal: boolean
  readonly stderrIsTerminal: boolean
  /** A line on standard output; resolves when it has been taken. */
  print(line: string): Promise<void>
  /** A line on standard error. */
  complain(line: string): void
  /** Replaces the last line of a terminal; nothing elsewhere. An empty text removes it. */
  progress(text: string): void
  /** Resolves when everything said so far has been taken. */
  flush(): Promise<void>
}

const clearLine = '\r\u001b[K'

/** The output of this process. `onBroken` is called when the reader of standard output has gone away. */
export function processOutput(onBroken: () => void): Output {
  const { stdout, stderr } = process
  let last = Promise.resolve()
  let progress = ''
  // Each failed write reports to its callback as well.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined)
  const write = (stream: NodeJS.WriteStream, text: string): Promise<void> => {
    const written = new Promise<void>((resolve) => {
      stream.write(text, (error) => {
        if (error && stream === stdout) onBroken()
        resolve()
      })
    })
    last = Promise.all([last, written]).then(() => undefined)
    return written
  }
  const beside = (text: string): string => (progress === '' ? text : `${clearLine}${text}${progress}`)
  return {
    stdoutIsTerminal: stdout.isTTY,
    stderrIsTerminal: stderr.isTTY,
    print(line) {
      if (progress !== '' && stdout.isTTY) void write(stderr, clearLine)
      return write(stdout, `${line}\n`)
    },
    complain: (line) => void write(stderr, beside(`${line}\n`)),
    progress(text) {
      if (!stderr.isTTY || (text === '' && progress === '')) return
      progress = text
      void write(stderr, clearLine + text)
    },
    flush: () => last,
  }
}
