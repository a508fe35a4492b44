import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** The dead letters of commands that are no deployment: a file of the user's own in the temporary folder. */
export function scratchDeadLetters(command: string): string {
  return join(tmpdir(), `beamline-${process.getuid?.() ?? userInfo().username}`, `${command}-dead-letters.jsonl`)
}
