import { join, resolve } from 'node:path'
import { Glob } from 'bun'

/** The top of the checkout. */
export const root = resolve(import.meta.dir, '../..')

/** What can be run by name; everything that is not in a folder of its own is a unit test. */
export type Suite = 'unit' | 'integration' | 'binary' | 'chaos'

const folders: readonly Suite[] = ['integration', 'binary', 'chaos']

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
  return folders.find((folder) => path.startsWith(join('test', folder, '/'))) ?? 'unit'
}
