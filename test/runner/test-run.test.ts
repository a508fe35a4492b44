import { expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root } from './suites.ts'
import { runTests } from './test-run.ts'

/** The totals of one test file with this text. */
async function totalsOfFile(text: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-planted-'))
  try {
    const path = join(folder, 'planted.test.ts')
    await writeFile(path, `import { expect, test } from 'bun:test'\n${text}`)
    return (await runTests({ files: [relative(root, path)], limitMs: 20_000, quiet: true })).totals
  } finally {
    await rm(folder, { recursive: true })
  }
}

test.concurrent('tests that pass, fail and are skipped are counted', async () => {
  const text = `test('a', () => {}); test('b', () => expect(1).toBe(2)); test.skip('c', () => {})`
  expect(await totalsOfFile(text)).toEqual({ passed: 1, failed: 1, skipped: 1 })
})

test.concurrent.each([
  ['runs no test', ''],
  ['skips all', `test.skip('a', () => {})`],
  ['does not load', `import './missing.ts'`],
  ['ends the process', 'process.exit(0)'],
])('a file that %s counts as a failure', async (_, text) => {
  expect(await totalsOfFile(text)).toMatchObject({ passed: 0, failed: 1 })
})

test('no files at all count as a failure', async () => {
  const { totals } = await runTests({ files: [], limitMs: 1_000 })
  expect(totals).toEqual({ passed: 0, failed: 1, skipped: 0 })
})
