/**
 * Measures a worker in a process of its own against a real nats-server on loopback: `bun bench/worker.ts [--binary]
 * [--jobs 100000] [--mode off|require] [--rounds 3]`. Every job is checked: one result each, and one accepted ack each.
 */
import { parseArgs } from 'node:util'
import { connect } from '@nats-io/transport-node'
import { startNats } from '../test/support/nats-server.ts'
import { load, median, requireExact, settleMs } from './load.ts'
import { programOf, requireNats, residentMb, startWorker } from './worker-process.ts'

/** How many jobs may be without a result at once: enough to keep everything busy, little enough that nothing is refused. */
const mostOutstanding = 500
const singleJobs = 1000

function echo(n: number): { type: string; payload: unknown } {
  return { type: 'echo', payload: { n } }
}

async function measure(program: readonly string[], mode: string, jobs: number, rounds: number): Promise<void> {
  await using server = await startNats()
  await using worker = await startWorker(program, {
    NATS_URL: server.url,
    JETSTREAM: mode,
    WORKER_PREFETCH: '256',
  })
  const nc = await connect({ servers: server.url })
  await Bun.sleep(settleMs)
  const idle = await residentMb(worker.pid)
  const single = await load(nc, 'single', singleJobs, 1, echo)
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const tally = await load(nc, `round${round}`, jobs, mostOutstanding, echo)
    rates.push(jobs / tally.seconds)
    requireExact(tally)
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
await requireNats()
const program = programOf(values.binary)
for (const mode of values.mode === undefined ? ['off', 'require'] : [values.mode]) {
  await measure(program, mode, Number(values.jobs), Number(values.rounds))
}
