import { systemClock } from '../../src/lib/clock.ts'

/** How a child process ended: its exit code, and what it printed when that was kept. */
export interface Ended {
  /** Undefined when it was killed, by its time limit or from outside. */
  readonly code: number | undefined
  readonly output: string
}

interface ChildOptions {
  /** How long it may take, in milliseconds; then it is killed with all that it started. */
  readonly limitMs: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Keeps what it prints instead of passing it on. */
  readonly quiet?: boolean
}

/** The process groups that run now, by the number of their leader. */
const running = new Set<number>()

/** Ends every child with all that it started, and this process with the code of an interrupt. */
export function endAllAndExit(): never {
  for (const pid of running) killGroup(pid)
  process.exit(130)
}

/** Runs a command that gets no input, in a process group of its own, and resolves when it has ended. Never rejects. */
export async function runChild(command: readonly string[], options: ChildOptions): Promise<Ended> {
  const [program = '', ...args] = command
  const path = Bun.which(program)
  if (path === null) return { code: undefined, output: `${program}: not found\n` }
  const mode = options.quiet ? 'pipe' : 'inherit'
  const child = Bun.spawn([path, ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...(options.env ?? process.env) },
    stdio: ['ignore', mode, mode],
    detached: true,
  })
  running.add(child.pid)
  let late = ''
  const limit = systemClock.after(options.limitMs, () => {
    late = `${program}: stopped after ${options.limitMs / 1000} s\n`
    killGroup(child.pid)
  })
  const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited])
  limit.cancel()
  running.delete(child.pid)
  if (!options.quiet) process.stderr.write(late)
  return { code: child.exitCode ?? undefined, output: `${out}${err}${late}` }
}

async function textOf(stream: ReadableStream<Uint8Array> | null | undefined): Promise<string> {
  return stream ? new Response(stream).text() : ''
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself in the meantime.
  }
}
