import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { eventually } from './eventually.ts'
import { LineLog } from './line-log.ts'
import { opened } from './open-resources.ts'

interface ProcessOptions {
  /** What to run: the sources, unless given, such as a compiled binary. */
  readonly program?: readonly string[]
  /** Where to run it: a temporary folder of its own, unless given. */
  readonly cwd?: string
  /** Its whole standard input; empty unless given. */
  readonly stdin?: string
}

/** Settings for the process; undefined takes back what this support would set. */
type Settings = Readonly<Record<string, string | undefined>>

/** A beamline in a process of its own. Disposing of it kills it and removes its temporary folder. */
export interface BeamlineProcess extends AsyncDisposable {
  readonly pid: number
  /** Its own temporary folder: the working directory, unless another was given, and the place of its dead letters. */
  readonly folder: string
  /** The lines so far. */
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  /** The exit code; above 128 when a signal ended it. */
  readonly exited: Promise<number>
  /**
   * The first line, old or new, of either stream that fits; rejects when the process ends without one or after
   * `limitMs` (20 s), with all that it said.
   */
  waitFor(fits: (line: string) => boolean, limitMs?: number): Promise<string>
  /** Where its HTTP listens, as soon as it does. */
  url(): Promise<string>
  /** Resolves to the URL as soon as `/ready` answers 200. */
  ready(): Promise<string>
  /** The log lines so far that are JSON. */
  logs(): readonly Readonly<Record<string, unknown>>[]
  signal(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void
  /** Sends the signal (SIGTERM) and resolves to the exit code. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number>
}

const sources = [process.execPath, resolve(import.meta.dir, '../../src/main.ts')]

/**
 * Starts `beamline ARGS` with a clean environment: PATH, HOME, HTTP on a free port of 127.0.0.1, dead letters and blobs
 * in its own folder, and the given settings.
 */
export async function startBeamline(
  args: readonly string[],
  settings: Settings = {},
  { program = sources, cwd, stdin = '' }: ProcessOptions = {},
): Promise<BeamlineProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-process-'))
  const child = Bun.spawn([...program, ...args], {
    cwd: cwd ?? folder,
    env: environment(folder, settings),
    stdio: [new Blob([stdin]), 'pipe', 'pipe'],
  })
  const closed = opened(`beamline ${args.join(' ')}`, () => child.kill('SIGKILL'))
  const log = new LineLog()
  const streams = Promise.all([log.read(child.stdout, 'stdout'), log.read(child.stderr, 'stderr')])
  const exited = Promise.all([child.exited, streams]).then(([code]) => {
    log.end(`ended with code ${code}`)
    return code
  })
  const stop = (signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<number> => {
    child.kill(signal)
    return exited
  }
  const url = async (): Promise<string> => {
    const line = await log.waitFor((text) => /https?:\/\//.test(text) && text.includes('Beamline started'))
    return /https?:\/\/[^\s"]+/.exec(line)?.[0] ?? ''
  }
  return {
    pid: child.pid,
    folder,
    stdout: log.stdout,
    stderr: log.stderr,
    exited,
    waitFor: (fits, limitMs) => log.waitFor(fits, limitMs),
    url,
    async ready() {
      const at = await url()
      await eventually(async () => (await fetch(`${at}/ready`)).ok, { timeoutMs: 20_000 })
      return at
    },
    logs: () => [...log.stdout, ...log.stderr].flatMap(asLogLine),
    signal: (signal) => child.kill(signal),
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL')
      closed()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** How a command that ends by itself has ended. */
export interface Finished {
  readonly code: number
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

/** Runs `beamline ARGS` to its end; kills it after 60 s. */
export async function runBeamline(
  args: readonly string[],
  settings: Settings = {},
  options: ProcessOptions = {},
): Promise<Finished> {
  await using beamline = await startBeamline(args, settings, options)
  const late = systemClock.after(60_000, () => beamline.signal('SIGKILL'))
  const code = await beamline.exited
  late.cancel()
  return { code, stdout: beamline.stdout, stderr: beamline.stderr }
}

/** Interrupts a process that drains until it is taken for another interrupt, and resolves to the exit code. */
export async function interruptAgain(beamline: BeamlineProcess): Promise<number> {
  let ended = false
  const exited = beamline.exited.then((code) => {
    ended = true
    return code
  })
  await eventually(() => {
    if (!ended) beamline.signal('SIGINT')
    return ended
  })
  return exited
}

function environment(folder: string, settings: Settings): Record<string, string> {
  const { PATH, HOME } = process.env
  const files = { STATE_PATH: join(folder, 'state.sqlite'), FS_BASE_DIR: join(folder, 'blobs') }
  const paths = { DLQ_PATH: join(folder, 'dead-letters.jsonl'), ...files }
  const own = { PATH, HOME, HEALTH_BIND: '127.0.0.1:0', ...paths }
  const entries = Object.entries<string | undefined>({ ...own, ...settings })
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

function asLogLine(line: string): readonly Readonly<Record<string, unknown>>[] {
  if (!line.startsWith('{"timestamp"')) return []
  // Only the logger writes lines that begin so, and it writes objects.
  return [JSON.parse(line) as Readonly<Record<string, unknown>>]
}
