/**
 * Measures `javascript` and `jmespath` jobs: `bun bench/scripts.ts [--binary] [--jobs 10000] [--rounds 3]`. First in this
 * process, through the handlers, without bus and worker; then through a worker in a process of its own, over NATS, where
 * client, server, worker and script threads share the machine. Two script threads; every script has a fresh context.
 */
import { parseArgs } from 'node:util'
import { connect } from '@nats-io/transport-node'
import type { Handler, JobContext } from '../src/handler.ts'
import { javascript } from '../src/handlers/javascript.ts'
import { jmespath } from '../src/handlers/jmespath.ts'
import { systemClock } from '../src/lib/clock.ts'
import { openLogger } from '../src/observe/logger.ts'
import { openJmespath } from '../src/services/jmespath/jmespath.ts'
import { openScripts } from '../src/services/scripts/scripts.ts'
import { ScriptThreadPool } from '../src/services/threads/script-thread-pool.ts'
import { startNats } from '../test/support/nats-server.ts'
import { load, median, requireExact } from './load.ts'
import { programOf, requireNats, startWorker } from './worker-process.ts'

const threadCount = 2
/** Enough to keep every thread busy. */
const mostOutstanding = 16

const items = Array.from({ length: 100 }, (_, id) => ({
  id,
  name: `item number ${id}`,
  tags: ['a', 'b'],
  price: id * 1.5,
  note: 'x'.repeat(30),
}))

/** What is measured: its name, its type and its input, and how many jobs of it count as one of the first. */
const cases = [
  { what: 'x * 2', type: 'javascript', payload: { code: 'x * 2', args: { x: 21 } }, share: 1 },
  {
    what: '10 KB of JSON through a script',
    type: 'javascript',
    payload: { code: 'items.map((item) => ({ ...item, price: item.price * 2 }))', args: { items } },
    share: 0.2,
  },
  {
    what: 'JMESPath on 10 KB',
    type: 'jmespath',
    payload: { expression: 'items[?price > `100`].{id: id, name: name}', data: { items } },
    share: 1,
  },
] as const

/** Jobs a second of a handler in this process. */
async function rateOf(handler: Handler, payload: unknown, jobs: number): Promise<number> {
  const { signal } = new AbortController()
  const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'bench', to: () => undefined })
  const ids = { assignmentId: 'a', tenantId: 't', userId: undefined, attempt: 1 }
  const context: JobContext = {
    signal,
    log,
    clock: systemClock,
    pauseTime: () => undefined,
    resumeTime: () => 60_000,
    timeLeftMs: () => 60_000,
    maxOutputBytes: 1024 * 1024,
    ...ids,
  }
  const input: unknown = handler.input.parse(payload)
  let left = jobs
  const lane = async (): Promise<void> => {
    while (left-- > 0) await handler.run(input, context)
  }
  const from = performance.now()
  await Promise.all(Array.from({ length: mostOutstanding }, lane))
  return jobs / ((performance.now() - from) / 1000)
}

async function inProcess(jobs: number, rounds: number): Promise<void> {
  await using threads = new ScriptThreadPool({ size: threadCount, clock: systemClock })
  const config = { timeoutMs: 5000, memoryBytes: 64e6, stackBytes: 512e3 }
  const scripts = openScripts({ threads, clock: systemClock, config })
  const handlers = [javascript(scripts), jmespath({ scripts, jmespath: openJmespath({ threads, clock: systemClock }) })]
  for (const { what, type, payload, share } of cases) {
    const handler = handlers.find((each) => each.type === type)
    if (handler === undefined) throw new Error(`no handler ${type}`)
    const rates: number[] = []
    await rateOf(handler, payload, jobs * share)
    for (let round = 0; round < rounds; round++) rates.push(await rateOf(handler, payload, jobs * share))
    process.stdout.write(`in process, ${what}: ${Math.round(median(rates))} jobs/s\n`)
  }
}

async function throughWorker(program: readonly string[], jobs: number, rounds: number): Promise<void> {
  await requireNats()
  await using nats = await startNats()
  await using _worker = await startWorker(program, {
    NATS_URL: nats.url,
    JETSTREAM: 'off',
    SCRIPT_THREADS: String(threadCount),
  })
  const nc = await connect({ servers: nats.url })
  for (const { what, type, payload, share } of cases) {
    const rates: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const count = jobs * share
      const tally = await load(nc, `${type}${share}-${round}`, count, mostOutstanding, () => ({ type, payload }))
      requireExact(tally)
      // The first round warms up.
      if (round > 0) rates.push(count / tally.seconds)
    }
    process.stdout.write(`through a worker, ${what}: ${Math.round(median(rates))} jobs/s\n`)
  }
  await nc.close()
}

const { values } = parseArgs({
  options: {
    binary: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
  },
})
const [jobs, rounds] = [Number(values.jobs), Number(values.rounds)]
await inProcess(jobs, rounds)
await throughWorker(programOf(values.binary), jobs, rounds)
