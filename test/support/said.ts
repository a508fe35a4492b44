import type { Output } from '../../src/cli/output.ts'

/** An output that remembers what was said. */
export interface Said extends Output {
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly shown: readonly string[]
}

/** An output that is a terminal, or is not (the usual case). */
export function said(isTerminal = false): Said {
  const stdout: string[] = []
  const stderr: string[] = []
  const shown: string[] = []
  return {
    stdout,
    stderr,
    shown,
    stdoutIsTerminal: isTerminal,
    stderrIsTerminal: isTerminal,
    print(line) {
      stdout.push(line)
      return Promise.resolve()
    },
    complain: (line) => stderr.push(line),
    progress: (text) => shown.push(text),
    flush: () => Promise.resolve(),
  }
}
