/**
 * How fast the bus alone is: jobs a second taken, answered with a confirmed publish and acked with confirmation, and how
 * long one job at a time takes. Run `bun bench/bus.ts [jobs]`; it needs the nats-server that `bun run test` fetches.
 */
import { loadConfig } from '../src/config/load.ts'
import { systemClock } from '../src/lib/clock.ts'
import { openNatsBus } from '../src/nats/nats-bus.ts'
import type { Logger } from '../src/observe/logger.ts'
import { startNats } from '../test/support/nats-server.ts'

const jobs = Number(process.argv[2] ?? 50_000)
const oneByOne = 500
const body = new TextEncoder().encode('{"assignment_id":"a","tenant_id":"t","job":{"type":"echo"}}')

const silence = (): void => undefined
const log: Logger = {
  debug: silence,
  info: silence,
  warn: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  child: () => log,
  debugging: false,
  flush: silence,
}

interface Run {
  readonly name: string
  readonly mode: 'off' | 'require'
  readonly window: number
}

async function measure({ name, mode, window }: Run): Promise<void> {
  await using server = await startNats()
  const config = loadConfig({ NATS_URL: server.url, JETSTREAM: mode })
  const { assign, result } = config.subjects
  const open = () =>
    openNatsBus({
      config,
      window,
      log,
      metrics: { natsConnected: silence, natsReconnected: silence },
      clock: systemClock,
      onFatal: ({ message }) => process.stderr.write(`${message}\n`),
    })
  await using worker = await open()
  await using caller = await open()
  let heard = 0
  let goal = { jobs: Number.POSITIVE_INFINITY, reached: silence }
  caller.subscribe(result, silence)
  worker.take((delivery) => {
    const headers = { 'Nats-Msg-Id': crypto.randomUUID(), version: '1' }
    worker
      .publish({ subject: result, body: delivery.body, headers })
      .then(() => delivery.ack())
      .then(() => {
        heard += 1
        if (heard >= goal.jobs) goal.reached()
      })
      .catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
  })
  const after = (count: number): Promise<void> =>
    new Promise((reached) => {
      goal = { jobs: heard + count, reached }
    })
  while (worker.health().consumer !== 'ok' || !caller.connected) await systemClock.sleep(5)

  const waits: number[] = []
  for (let n = 0; n < oneByOne; n += 1) {
    const done = after(1)
    const from = systemClock.monotonic()
    caller.emit({ subject: assign, body })
    await done
    waits.push(systemClock.monotonic() - from)
  }
  waits.sort((a, b) => a - b)

  const done = after(jobs)
  const from = systemClock.monotonic()
  for (let n = 0; n < jobs; n += 1) {
    caller.emit({ subject: assign, body })
    if (n % 500 === 499) await caller.flush()
  }
  await done
  const seconds = (systemClock.monotonic() - from) / 1000
  const at = (share: number): string => (waits[Math.floor(share * waits.length)] ?? 0).toFixed(2)
  process.stdout.write(
    `${name.padEnd(24)} ${Math.round(jobs / seconds)} jobs/s, one at a time p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`,
  )
  if (heard !== jobs + oneByOne) throw new Error(`${name}: ${heard} deliveries for ${jobs + oneByOne} jobs`)
}

await measure({ name: 'core NATS', mode: 'off', window: 0 })
await measure({ name: 'JetStream, window 16', mode: 'require', window: 16 })
await measure({ name: 'JetStream, window 256', mode: 'require', window: 256 })
