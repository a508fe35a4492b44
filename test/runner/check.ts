import { systemClock } from '../../src/lib/clock.ts'
import { runChild } from './child.ts'
import { noTests, sum, type Totals } from './junit.ts'
import { root, suiteLimitMs, testFiles } from './suites.ts'
import { runTests } from './test-run.ts'

const stepLimitMs = 120_000

/** The scripts of package.json that look at the code without running it. */
const scripts = ['types', 'lint', 'format:check', 'dead-code'] as const

/**
 * Runs everything that needs no server, all at once: types, lint, format, dead code, and the unit tests (the
 * architecture is one of them). Tells what failed; a failed step counts as one failure.
 */
export async function check(tell: (text: string) => void): Promise<Totals> {
  const steps = [unitTests(tell), ...scripts.map((script) => scriptStep(script, tell))]
  return (await Promise.all(steps)).reduce(sum, noTests)
}

async function scriptStep(script: string, tell: (text: string) => void): Promise<Totals> {
  const startMs = systemClock.monotonic()
  const command = [process.execPath, '--bun', 'run', '--silent', script]
  const { code, output } = await runChild(command, { cwd: root, limitMs: stepLimitMs, quiet: true })
  tell(verdict(script, code === 0, startMs, output))
  return { ...noTests, failed: code === 0 ? 0 : 1 }
}

async function unitTests(tell: (text: string) => void): Promise<Totals> {
  const startMs = systemClock.monotonic()
  const options = { args: ['--only-failures'], limitMs: suiteLimitMs.unit, quiet: true }
  const { totals, output } = await runTests({ files: testFiles('unit'), atOnce: true, ...options })
  tell(verdict(`unit (${totals.passed} tests)`, totals.failed === 0, startMs, output))
  return totals
}

function verdict(step: string, passed: boolean, startMs: number, output: string): string {
  const seconds = ((systemClock.monotonic() - startMs) / 1000).toFixed(1)
  return passed ? `ok    ${step} ${seconds} s\n` : `FAIL  ${step} ${seconds} s\n${output}\n`
}
