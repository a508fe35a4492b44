import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from './child.ts'
import { noTests, type Totals, totalsOf } from './junit.ts'
import { type Batch, root, testLimitMs } from './suites.ts'

interface TestRun extends Batch {
  /** More arguments for `bun test`. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly limitMs: number
  /** Keeps what it prints instead of passing it on. */
  readonly quiet?: boolean
}

/**
 * Runs test files and resolves to how they ended. A run that failed without naming a failed test, left no report or
 * ran nothing counts as one failure.
 */
export async function runTests({
  files,
  atOnce,
  args = [],
  ...options
}: TestRun): Promise<{ totals: Totals; output: string }> {
  if (files.length === 0) return { totals: { ...noTests, failed: 1 }, output: 'No test files found\n' }
  const folder = await mkdtemp(join(tmpdir(), 'beamline-report-'))
  try {
    const report = join(folder, 'report.xml')
    const reporting = ['--reporter=junit', `--reporter-outfile=${report}`]
    const paths = files.map((file) => `./${file}`)
    const arrangement = [atOnce ? '--parallel' : '--isolate', `--timeout=${testLimitMs}`]
    const command = [process.execPath, 'test', ...arrangement, ...reporting, ...args, ...paths]
    const { code, output } = await runChild(command, { ...options, cwd: root })
    const totals = totalsOf(await readFile(report, 'utf8').catch(() => '')) ?? noTests
    const ranNothing = totals.passed + totals.failed === 0
    const unexplained = ranNothing || (code !== 0 && totals.failed === 0)
    return { totals: unexplained ? { ...totals, failed: 1 } : totals, output }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
