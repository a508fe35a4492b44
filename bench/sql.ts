/**
 * Measures a single-row select by key, 8 at a time, through the handler in this process, beside a bare loop of the runtime's
 * driver that does the same: reserve, begin, the same settings, select (unnamed, as the handler's), commit; and beside one whose
 * select is a prepared statement. `bun bench/sql.ts [--rounds 15] [--jobs 4000] [--warm 40000]`. Slices take turns; every row is
 * checked.
 */
import { parseArgs } from 'node:util'
import { SQL } from 'bun'
import { loadConfig } from '../src/config/load.ts'
import type { Handler, JobContext } from '../src/handler.ts'
import { sql } from '../src/handlers/sql/sql.ts'
import { systemClock } from '../src/lib/clock.ts'
import { openLogger } from '../src/observe/logger.ts'
import { Metrics } from '../src/observe/metrics.ts'
import { openSecrets } from '../src/services/secrets/secrets.ts'
import { openServices } from '../src/services/services.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { median } from './load.ts'

const lanes = 8
const keys = 10_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    jobs: { type: 'string', default: '4000' },
    warm: { type: 'string', default: '40000' },
  },
})
const jobs = Number(values.jobs)

await using server = await startPostgres()
// One more than are used: no tenant has the last one.
const config = loadConfig({ DATABASE_URL: server.url, SQL_POOL_SIZE: String(lanes + 1) })
const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'bench', to: () => undefined })
using metrics = new Metrics({ version: '0', bun: '0', commit: '0' }, systemClock)
await using secrets = await openSecrets(config.secrets, systemClock)
await using services = openServices({ config, secrets, clock: systemClock, log, metrics })
const handler: Handler = sql(services)
const unnamed = new SQL(server.url, { max: lanes, prepare: false })
const prepared = new SQL(server.url, { max: lanes, prepare: true })
await unnamed.unsafe(
  `create table kv (id int primary key, v text not null);
  insert into kv select g, 'value ' || g from generate_series(1, ${keys}) g; analyze kv`,
)

const begin = `BEGIN; SET LOCAL statement_timeout=60250; SET LOCAL lock_timeout=60250;
  SET LOCAL idle_in_transaction_session_timeout=60250`

async function bareJob(client: SQL, id: number): Promise<void> {
  using session = await client.reserve()
  await session.unsafe(begin).simple()
  const rows: unknown = await session.unsafe('select id, v from kv where id = $1', [id])
  await session.unsafe('COMMIT').simple()
  check(rows, id)
}

/** The worker checks an input before the handler sees it. */
const inputs: readonly unknown[] = Array.from({ length: keys }, (_, index) =>
  handler.input.parse({ query: 'select id, v from kv where id = $1', args: [index + 1] }),
)

async function handledJob(id: number): Promise<void> {
  const context: JobContext = {
    signal: new AbortController().signal,
    log,
    clock: systemClock,
    assignmentId: `a-${id}`,
    tenantId: 't',
    userId: undefined,
    attempt: 1,
    pauseTime: () => undefined,
    resumeTime: () => 60_000,
    timeLeftMs: () => 60_000,
    maxOutputBytes: 1024 * 1024,
  }
  const output: unknown = await handler.run(inputs[id - 1], context)
  check(typeof output === 'object' && output !== null && 'rows' in output ? output.rows : undefined, id)
}

function check(rows: unknown, id: number): void {
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined
  const isRight = typeof row === 'object' && row !== null && 'v' in row && row.v === `value ${id}`
  if (!isRight) throw new Error(`not the row of ${id}: ${JSON.stringify(rows)}`)
}

/** Jobs a second. */
async function rateOf(job: (id: number) => Promise<void>, count: number): Promise<number> {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) await job((left % keys) + 1)
  }
  const from = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  return count / ((performance.now() - from) / 1000)
}

const loops = {
  handled: handledJob,
  unnamed: (id: number) => bareJob(unnamed, id),
  prepared: (id: number) => bareJob(prepared, id),
} as const
type Rates = Record<keyof typeof loops, number>

async function round(count: number): Promise<Rates> {
  const rates: Rates = { handled: 0, unnamed: 0, prepared: 0 }
  for (const name of ['unnamed', 'handled', 'prepared'] as const) rates[name] = await rateOf(loops[name], count)
  return rates
}

await round(Number(values.warm))
const rounds: Rates[] = []
while (rounds.length < Number(values.rounds)) rounds.push(await round(jobs))
const rate = (name: keyof Rates): number => Math.round(median(rounds.map((each) => each[name])))
const ratio = (name: keyof Rates): string => median(rounds.map((each) => each.handled / each[name])).toFixed(2)
process.stdout.write(
  `median ${rate('handled')} sql jobs/s with ${lanes} lanes; ratio ${ratio('unnamed')} to the bare loop ` +
    `(${rate('unnamed')}/s), ${ratio('prepared')} to one with a prepared statement (${rate('prepared')}/s); ` +
    `every job gave its row\n`,
)
await unnamed.close()
await prepared.close()
