/**
 * Measures a single-row select by key, 8 at a time, through the handler in this process, beside two bare loops of the runtime's
 * driver that do the same: reserve, begin, settings, select, commit. One has the driver's defaults, so its select is a
 * prepared statement; the other one's is unnamed. Both send begin and settings in one text, which is faster than two.
 * `bun bench/sql.ts [--rounds 45] [--jobs 1000] [--warm 16000]`. Slices take turns; every row is checked. The processor
 * time is this process's own, and hardly changes with what else the machine does.
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
    rounds: { type: 'string', default: '45' },
    jobs: { type: 'string', default: '1000' },
    warm: { type: 'string', default: '16000' },
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
const prepared = new SQL(server.url, { max: lanes })
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

/** Of a slice: jobs a second, and microseconds of processor time a job. */
interface Pace {
  readonly rate: number
  readonly cpu: number
}

async function paceOf(job: (id: number) => Promise<void>, count: number): Promise<Pace> {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) await job((left % keys) + 1)
  }
  const from = performance.now()
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: lanes }, lane))
  const rate = count / ((performance.now() - from) / 1000)
  const { user, system } = process.cpuUsage(before)
  return { rate, cpu: (user + system) / count }
}

const loops = {
  handled: handledJob,
  prepared: (id: number) => bareJob(prepared, id),
  unnamed: (id: number) => bareJob(unnamed, id),
} as const
type Name = keyof typeof loops
type Paces = Readonly<Record<Name, Pace>>

/** Each goes first as often as the others. */
async function round(count: number, turn: number): Promise<Paces> {
  const none = { rate: 0, cpu: 0 }
  const paces = { handled: none, prepared: none, unnamed: none }
  const names = ['handled', 'prepared', 'unnamed'] as const
  for (const index of names.keys()) {
    const name = names[(index + turn) % names.length] ?? 'handled'
    paces[name] = await paceOf(loops[name], count)
  }
  return paces
}

await round(Number(values.warm), 0)
const rounds: Paces[] = []
while (rounds.length < Number(values.rounds)) rounds.push(await round(jobs, rounds.length))
const rate = (name: Name): number => Math.round(median(rounds.map((each) => each[name].rate)))
const cpu = (name: Name): string => median(rounds.map((each) => each[name].cpu)).toFixed(0)
const ratio = (name: Name): string => median(rounds.map((each) => each.handled.rate / each[name].rate)).toFixed(2)
process.stdout.write(
  `median ${rate('handled')} sql jobs/s with ${lanes} lanes (${cpu('handled')} us cpu); ` +
    `ratio ${ratio('prepared')} to the bare loop (${rate('prepared')}/s, ${cpu('prepared')} us), ` +
    `${ratio('unnamed')} to one with unnamed statements (${rate('unnamed')}/s, ${cpu('unnamed')} us); every job gave its row\n`,
)
await unnamed.close()
await prepared.close()
