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
  'approvals/role.test.ts',
  'cli/sql-findings.test.ts',
  'dlq/file-dead-letters.test.ts',
  'dlq/process-lock.test.ts',
  'dlq/replay-marks.test.ts',
  'handlers/blobs/',
  'handlers/javascript.test.ts',
  'handlers/sql/',
  'services/blobs/',
  'services/jmespath/cost.test.ts',
  'services/jmespath/text-laws.test.ts',
  'services/scripts/',
  'services/sql/',
  'services/threads/',
  'store/',
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

function suiteOf(path: string): Suite {
  if (heavy.some((start) => path.startsWith(join('test', start)))) return 'integration'
  return folders.find((folder) => path.startsWith(join('test', folder, '/'))) ?? 'unit'
}
