/**
 * Measures a worker in a process of its own against a real nats-server on loopback: `bun bench/worker.ts [--binary]
 * [--jobs 100000] [--mode off|require] [--rounds 3]`. Every job is checked: one result each, and one accepted ack each.
 */
import { openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { provideNats } from '../test/runner/nats-servers.ts'
import { natsVariables } from '../test/support/nats-binary.ts'
import { startNats } from '../test/support/nats-server.ts'

/** How many jobs may be without a result at once: enough to keep everything busy, little enough that nothing is refused. */
const mostOutstanding = 500
const singleJobs = 1000
/** How long late answers are waited for, and how long an idle worker takes to give memory back, in milliseconds. */
const settleMs = 3000

interface Worker extends AsyncDisposable {
  readonly pid: number
  readonly readyMs: number
}

interface Tally {
  readonly seconds: number
  readonly missing: number
  readonly repeated: number
  readonly unaccepted: number
}

async function startWorker(program: readonly string[], url: string, mode: string): Promise<Worker> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-bench-'))
  const port = await freePort()
  const from = performance.now()
  const log = openSync(join(folder, 'log'), 'w')
  const child = Bun.spawn([...program, 'start'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      NATS_URL: url,
      JETSTREAM: mode,
      HEALTH_BIND: `127.0.0.1:${port}`,
      DLQ_PATH: join(folder, 'dlq.jsonl'),
      WORKER_QUEUE_SIZE: '10000',
      WORKER_PREFETCH: '256',
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

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1000
}

function encode(id: string, n: number): string {
  return JSON.stringify({
    version: '1',
    assignment_id: id,
    tenant_id: `tenant-${n % 4}`,
    job: { type: 'echo', payload: { n } },
    correlation: { trace_id: '0af7651916cd43dd8448eb211c80319c' },
  })
}

/** Sends jobs, never more than the given number without a result, and counts what comes back. */
async function load(
  nc: NatsConnection,
  run: string,
  jobs: number,
  outstanding: number,
): Promise<Tally & { waits: number[] }> {
  const answers = new Uint8Array(jobs)
  const acks = new Uint8Array(jobs)
  const sentAt = new Float64Array(jobs)
  const waits: number[] = []
  const finished = Promise.withResolvers<void>()
  let sent = 0
  let answered = 0
  const numberOf = (body: Uint8Array): number => {
    const text = new TextDecoder().decode(body)
    const at = text.indexOf(run)
    return at < 0 ? -1 : Number.parseInt(text.slice(at + run.length + 1), 10)
  }
  const send = (): void => {
    while (sent < jobs && sent - answered < outstanding) {
      sentAt[sent] = performance.now()
      nc.publish('caf.exec.assign.v1', encode(`${run}-${sent}`, sent))
      sent++
    }
  }
  const onResult = nc.subscribe('caf.exec.result.v1', {
    callback: (_, message) => {
      const n = numberOf(message.data)
      if (n < 0) return
      answers[n] = (answers[n] ?? 0) + 1
      if (answers[n] !== 1) return
      waits.push(performance.now() - (sentAt[n] ?? 0))
      answered++
      if (answered === jobs) finished.resolve()
      send()
    },
  })
  const onAck = nc.subscribe('caf.exec.assign.v1.ack', {
    callback: (_, message) => {
      const n = numberOf(message.data)
      if (n >= 0) acks[n] = (acks[n] ?? 0) + 1
    },
  })
  await nc.flush()
  const from = performance.now()
  send()
  await finished.promise
  const seconds = (performance.now() - from) / 1000
  await Bun.sleep(settleMs)
  onResult.unsubscribe()
  onAck.unsubscribe()
  const count = (counts: Uint8Array, fits: (n: number) => boolean): number =>
    counts.reduce((sum, n) => sum + (fits(n) ? 1 : 0), 0)
  return {
    seconds,
    waits,
    missing: count(answers, (n) => n === 0),
    repeated: count(answers, (n) => n > 1),
    unaccepted: count(acks, (n) => n !== 1),
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function measure(program: readonly string[], mode: string, jobs: number, rounds: number): Promise<void> {
  await using server = await startNats()
  await using worker = await startWorker(program, server.url, mode)
  const nc = await connect({ servers: server.url })
  await Bun.sleep(settleMs)
  const idle = await residentMb(worker.pid)
  const single = await load(nc, 'single', singleJobs, 1)
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const tally = await load(nc, `round${round}`, jobs, mostOutstanding)
    rates.push(jobs / tally.seconds)
    if (tally.missing + tally.repeated + tally.unaccepted > 0)
      throw new Error(`not exact: ${JSON.stringify({ ...tally, waits: 0 })}`)
    const rise = (await residentMb(worker.pid)) - idle
    process.stdout.write(
      `${mode === 'off' ? 'core' : 'jetstream'} round ${round + 1}: ${Math.round(rates[round] ?? 0)} jobs/s, RSS +${rise.toFixed(0)} MB\n`,
    )
  }
  process.stdout.write(
    `${mode === 'off' ? 'core' : 'jetstream'}: median ${Math.round(median(rates))} jobs/s; one at a time p50 ${median(single.waits).toFixed(2)} ms; ready after ${worker.readyMs.toFixed(0)} ms; idle RSS ${idle.toFixed(0)} MB; every job has one result and one accepted ack\n`,
  )
  await nc.close()
}

const { values } = parseArgs({
  options: {
    binary: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    mode: { type: 'string' },
  },
})
const server = await provideNats('newest', (line) => process.stderr.write(`${line}\n`))
if (server === undefined) {
  process.stderr.write(
    'No nats-server could be found or fetched: install one (2.10 or later), or name it in NATS_SERVER.\n',
  )
  process.exit(1)
}
process.env[natsVariables.newest] = server.path
const root = resolve(import.meta.dir, '..')
const program = values.binary ? [join(root, 'dist/beamline')] : [process.execPath, join(root, 'src/main.ts')]
for (const mode of values.mode === undefined ? ['off', 'require'] : [values.mode]) {
  await measure(program, mode, Number(values.jobs), Number(values.rounds))
}
