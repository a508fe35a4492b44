/**
 * Measures `http` jobs against a server on loopback, beside a bare `fetch` loop on the same server in the same run:
 * `bun bench/http.ts [--binary] [--jobs 30000] [--rounds 3]`. 32 slots and 32 loops; every job is checked.
 */
import { parseArgs } from 'node:util'
import { connect } from '@nats-io/transport-node'
import { startNats } from '../test/support/nats-server.ts'
import { load, median, requireExact } from './load.ts'
import { programOf, requireNats, startWorker } from './worker-process.ts'

const slots = 32
/** Enough to keep every slot busy. */
const mostOutstanding = 200

/** Requests a second of loops that do nothing else, in this process. */
async function bareRate(url: string, requests: number): Promise<number> {
  const from = performance.now()
  await Promise.all(
    Array.from({ length: slots }, async () => {
      for (let n = 0; n < requests / slots; n++) await (await fetch(url)).json()
    }),
  )
  return requests / ((performance.now() - from) / 1000)
}

const { values } = parseArgs({
  options: {
    binary: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '30000' },
    rounds: { type: 'string', default: '3' },
  },
})
const jobs = Number(values.jobs)
await requireNats()
await using nats = await startNats()
const site = Bun.spawn([process.execPath, `${import.meta.dir}/site.ts`], { stdio: ['ignore', 'pipe', 'inherit'] })
const { value: line } = await site.stdout.getReader().read()
const url = new TextDecoder().decode(line).trim()
await using _worker = await startWorker(programOf(values.binary), {
  NATS_URL: nats.url,
  JETSTREAM: 'off',
  WORKER_MAX_CONCURRENCY: String(slots),
  EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
})
const nc = await connect({ servers: nats.url })
const request = (): { type: string; payload: unknown } => ({ type: 'http', payload: { url } })
await load(nc, 'warm', 2000, mostOutstanding, request)
const rates: { readonly jobs: number; readonly bare: number }[] = []
for (let round = 1; round <= Number(values.rounds); round++) {
  const bare = await bareRate(url, jobs)
  const tally = await load(nc, `round${round}`, jobs, mostOutstanding, request)
  requireExact(tally)
  rates.push({ jobs: jobs / tally.seconds, bare })
  process.stdout.write(
    `round ${round}: ${Math.round(jobs / tally.seconds)} jobs/s, bare ${Math.round(bare)} requests/s\n`,
  )
}
const middle = (of: (rate: { jobs: number; bare: number }) => number): number => median(rates.map(of))
process.stdout.write(
  `median ${Math.round(middle((rate) => rate.jobs))} http jobs/s with ${slots} slots; bare fetch ${Math.round(middle((rate) => rate.bare))}/s; ratio ${middle((rate) => rate.jobs / rate.bare).toFixed(2)}; every job has one result and one accepted ack\n`,
)
await nc.close()
site.kill()
