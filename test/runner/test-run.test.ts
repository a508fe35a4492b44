import { describe, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root } from './suites.ts'
import { runTests } from './test-run.ts'

/** The totals of a test file with this text, and of one beside it that passes. */
async function totalsOfFile(text: string, atOnce: boolean): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-planted-'))
  try {
    const texts = { 'a.test.ts': `test('beside', () => {})`, 'planted.test.ts': text }
    for (const [name, body] of Object.entries(texts)) {
      await writeFile(join(folder, name), `import { expect, test } from 'bun:test'\n${body}`)
    }
    const files = Object.keys(texts).map((name) => relative(root, join(folder, name)))
    return (await runTests({ files, atOnce, limitMs: 20_000, quiet: true })).totals
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe.each([
  ['one after the other', false],
  ['at once', true],
])('files that run %s', (_, atOnce) => {
  test.concurrent('have their passed, failed and skipped tests counted', async () => {
    const text = `test('a', () => {}); test('b', () => expect(1).toBe(2)); test.skip('c', () => {})`
    expect(await totalsOfFile(text, atOnce)).toEqual({ passed: 2, failed: 1, skipped: 1 })
  })

  test.concurrent.each([
    ['does not load', `import './missing.ts'`],
    ['ends the process', 'process.exit(0)'],
    ['ends the process in a test', `test('a', () => process.exit(0))`],
    ['kills the process', `process.kill(process.pid, 'SIGKILL')`],
  ])('fail when one of them %s', async (_name, text) => {
    expect(await totalsOfFile(text, atOnce)).toMatchObject({ failed: 1 })
  })
})

test.each([
  ['none at all', []],
  ['one without a test', ['test/runner/suites.ts']],
])('%s: nothing that was run counts as a failure', async (_, files) => {
  const { totals } = await runTests({ files, atOnce: false, limitMs: 20_000, quiet: true })
  expect(totals).toEqual({ passed: 0, failed: 1, skipped: 0 })
})
