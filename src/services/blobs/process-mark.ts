/** Which process a file belongs to, written into its name, so that others know when that process is no more. */
import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** A process, as others can look for it. */
interface Mark {
  /** Where its number means this process: a start of the machine, and there a namespace of processes. */
  readonly place: string
  readonly pid: number
  /** When it started, as the system tells it; processes get the numbers of others that have ended. */
  readonly started: string
}

/** What is known of a process: `unknown` when it runs, or ran, where this one cannot look. */
export type Life = 'alive' | 'dead' | 'unknown'

const form = /^([0-9a-f]{12})-([0-9]+)-([0-9]+)$/

let ownMark: Promise<string> | undefined

/** This process as text of letters, digits and hyphens. */
export function processMark(): Promise<string> {
  ownMark ??= readOwnMark()
  return ownMark
}

/** Whether the process still runs that left this mark. */
export async function lifeOf(mark: string): Promise<Life> {
  const [, place = '', pid = '', started] = form.exec(mark) ?? []
  if (place === '' || !(await processMark()).startsWith(`${place}-`)) return 'unknown'
  if (!isThere(Number(pid))) return 'dead'
  const now = await startOf(pid)
  // Others' processes may be hidden: what cannot be seen may be alive.
  return now === undefined || now === started ? 'alive' : 'dead'
}

async function readOwnMark(): Promise<string> {
  const mark: Mark = {
    place: createHash('sha256')
      .update(await placeOfProcesses())
      .digest('hex')
      .slice(0, 12),
    pid: process.pid,
    started: (await startOf('self')) ?? '0',
  }
  return `${mark.place}-${mark.pid}-${mark.started}`
}

async function placeOfProcesses(): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** In ticks since the machine's; `ended` for a process that only waits to be noticed. */
async function startOf(pid: string): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
  } catch {
    return undefined
  }
}
