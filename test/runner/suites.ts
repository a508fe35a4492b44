import { join, resolve } from 'node:path'
import { Glob } from 'bun'

/** The top of the checkout. */
export const root = resolve(import.meta.dir, '../..')

/** What can be run by name; what is in no folder of its own and not heavy is a unit test. */
export type Suite = 'unit' | 'integration' | 'binary' | 'chaos'

const folders: readonly Suite[] = ['integration', 'binary', 'chaos']

/**
 * What mirrors the sources but starts servers, threads or processes, or looks for seconds at what something costs: it runs
 * with the integration tests, so that the units stay a matter of seconds.
 */
const heavy: readonly string[] = [
  'approvals/notices.test.ts',
  'approvals/postman.test.ts',
  'approvals/relay.test.ts',
  'approvals/role.test.ts',
  'cli/sql-findings.test.ts',
  'dlq/file-dead-letters.test.ts',
  'dlq/process-lock.test.ts',
  'dlq/replay-marks.test.ts',
  'handlers/blobs/',
  'handlers/javascript.test.ts',
  'handlers/sql/',
  'services/blobs/',
  'services/fetch/response-body.test.ts',
  'services/fetch/unsent.test.ts',
  'services/jmespath/cost.test.ts',
  'services/jmespath/text-laws.test.ts',
  'services/scripts/',
  'services/sql/',
  'services/threads/',
  'store/',
]

/** What looks at latency, rates or memory of what it runs has the machine to itself. */
const alone: readonly string[] = [
  'integration/blob-memory.test.ts',
  'integration/dead-letters-cap.test.ts',
  'integration/http-jobs.test.ts',
  'integration/jmespath-hostile.test.ts',
  'integration/many-approvals.test.ts',
  'integration/many-scripts.test.ts',
  'integration/scheduling.test.ts',
  'integration/script-torture.test.ts',
  'integration/sql-jobs.test.ts',
  'services/jmespath/cost.test.ts',
]

/** How long all tests of a suite may take together, in milliseconds, before they are stopped. */
export const suiteLimitMs: Readonly<Record<Suite, number>> = {
  unit: 120_000,
  integration: 1_200_000,
  binary: 600_000,
  chaos: 3_600_000,
}

/** How long a test may take that sets no limit of its own, in milliseconds; it ends what hangs, and measures nothing. */
export const testLimitMs = 10_000

/** The test files of a suite, as paths from the top of the checkout. */
export function testFiles(suite: Suite): readonly string[] {
  const files = [...new Glob('test/**/*.test.ts').scanSync({ cwd: root })].toSorted()
  return files.filter((path) => suiteOf(path) === suite)
}

/** Files that are run in one go: as many at once as there are processors, or one after the other. */
export interface Batch {
  readonly files: readonly string[]
  readonly atOnce: boolean
}

/** A suite as it is run. */
export function batches(suite: Suite): readonly Batch[] {
  const files = testFiles(suite)
  const parted = Object.groupBy(files, (path) => (runsAlone(suite, path) ? 'alone' : 'atOnce'))
  const all = [
    { files: parted.atOnce ?? [], atOnce: true },
    { files: parted.alone ?? [], atOnce: false },
  ]
  return all.filter((batch) => batch.files.length > 0)
}

function runsAlone(suite: Suite, path: string): boolean {
  return suite === 'binary' || suite === 'chaos' || isAmong(alone, path)
}

function isAmong(starts: readonly string[], path: string): boolean {
  return starts.some((start) => path.startsWith(join('test', start)))
}

function suiteOf(path: string): Suite {
  if (isAmong(heavy, path)) return 'integration'
  return folders.find((folder) => path.startsWith(join('test', folder, '/'))) ?? 'unit'
}
