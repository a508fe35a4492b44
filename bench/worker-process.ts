/** A worker in a process of its own, for benchmarks. */
import { openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { provideNats } from '../test/runner/nats-servers.ts'
import { natsVariables } from '../test/support/nats-binary.ts'

/** A worker that is ready. */
export interface Worker extends AsyncDisposable {
  readonly pid: number
  readonly readyMs: number
}

const root = resolve(import.meta.dir, '..')

/** The command line of the executable or of the sources. */
export function programOf(binary: boolean): readonly string[] {
  return binary ? [join(root, 'dist/beamline')] : [process.execPath, join(root, 'src/main.ts')]
}

/** Finds or fetches nats-server for `startNats`; ends the process with advice when there is none. */
export async function requireNats(): Promise<void> {
  const server = await provideNats('newest', (line) => process.stderr.write(`${line}\n`))
  if (server === undefined) {
    process.stderr.write(
      'No nats-server could be found or fetched: install one (2.10 or later), or name it in NATS_SERVER.\n',
    )
    process.exit(1)
  }
  process.env[natsVariables.newest] = server.path
}

/** Starts one with these settings and waits until it is ready. */
export async function startWorker(
  program: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<Worker> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-bench-'))
  const port = await freePort()
  const from = performance.now()
  const log = openSync(join(folder, 'log'), 'w')
  const child = Bun.spawn([...program, 'start'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HEALTH_BIND: `127.0.0.1:${port}`,
      DLQ_PATH: join(folder, 'dlq.jsonl'),
      WORKER_QUEUE_SIZE: '10000',
      ...settings,
    },
    stdio: ['ignore', log, log],
  })
  while (!(await isReady(port))) await Bun.sleep(2)
  return {
    pid: child.pid,
    readyMs: performance.now() - from,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await child.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/ready`).then(
    (answer) => answer.ok,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const probe = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const { port } = probe
  await probe.stop(true)
  if (port === undefined) throw new Error('no free port')
  return port
}

/** Resident memory of a process, in MB. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1000
}
