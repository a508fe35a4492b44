/** How the tests of one or more runs ended. */
export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What nothing adds up to. */
export const noTests: Totals = { passed: 0, failed: 0, skipped: 0 }

/** The totals of a report as `bun test --reporter=junit` writes it; undefined when it is no such report. */
export function totalsOf(report: string): Totals | undefined {
  const root = /<testsuites\s[^>]*>/.exec(report)?.[0]
  if (root === undefined) return undefined
  const count = (name: string): number => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(root)?.[1] ?? 0)
  const failed = count('failures') + count('errors')
  const skipped = count('skipped')
  return { passed: count('tests') - failed - skipped, failed, skipped }
}

export function sum(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

/** The line that a run ends with: `N passed, N failed`, and `, N skipped` when there are any. */
export function summaryLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
