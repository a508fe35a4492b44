import type { SourceFile } from './source-file.ts'

interface OwnerRule {
  readonly what: string
  readonly uses: RegExp
  /** The paths that may. */
  readonly owners: RegExp
}

const rules: readonly OwnerRule[] = [
  {
    what: 'the environment belongs to config/ (main.ts hands it over)',
    uses: /^(process\.env|Bun\.env|import\.meta\.env)(\.|$)/,
    owners: /^src\/(config\/|main\.ts$)/,
  },
  {
    what: 'timers belong to lib/clock.ts',
    uses: /^(set(Timeout|Interval|Immediate)|clear(Timeout|Interval|Immediate)|Bun\.sleep|AbortSignal\.timeout)$/,
    owners: /^src\/lib\/clock\.ts$/,
  },
  {
    what: 'only the log waits while blocking, when the process ends and no timer runs any more',
    uses: /^(Bun\.sleepSync|Atomics\.wait)$/,
    owners: /^src\/observe\/line-sink\.ts$/,
  },
  {
    what: 'the time belongs to lib/clock.ts',
    uses: /^(Date\.now|performance\.(now|timeOrigin)|new Date\(\)|process\.hrtime(\.bigint)?|Bun\.nanoseconds)$/,
    owners: /^src\/lib\/clock\.ts$/,
  },
  { what: 'console is not used', uses: /^console$/, owners: /^$/ },
  {
    what: 'standard output belongs to observe/ and cli/',
    uses: /^(process\.(stdout|stderr)|Bun\.(stdout|stderr))(\.|$)/,
    owners: /^src\/(observe|cli)\//,
  },
  {
    what: 'threads belong to script-thread files',
    uses: /^new Worker(\(\))?$/,
    owners: /script-thread(-pool)?\.ts$/,
  },
]

/** What a file of `src/` uses that is another's to use. */
export function foreignUses(file: SourceFile): readonly string[] {
  return file.uses.flatMap(({ name, line }) =>
    rules
      .filter(({ uses, owners }) => uses.test(name) && !owners.test(file.path))
      .map(({ what }) => `${file.path}:${line} ${name}: ${what}`),
  )
}

/** Names in snake_case are the wire's: they belong where messages, pages and log lines are described. */
const wireNameOwners =
  /^src\/(protocol|handlers|http|observe|nats)\/|^src\/\w+\/routes\.ts$|^src\/approvals\/(approval|wire)\.ts$/

/** The fields of a log line, which every part fills in. */
const logFields = /^(request_id|assignment_id|tenant_id|trace_id|job_type|duration_ms|error_code)$/

/** Names of the wire that a file of `src/` gives to properties although it describes no message. */
export function strayWireNames(file: SourceFile): readonly string[] {
  if (wireNameOwners.test(file.path)) return []
  return file.wireNames
    .filter(({ name }) => !logFields.test(name))
    .map(({ name, line }) => `${file.path}:${line} ${name}: a name of the wire, outside a schema`)
}
