/** The handler of CONTRIBUTING.md, under the contract of all handlers. */
import { afterAll, expect, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Handler } from '../src/handler.ts'
import { handlerContract } from './contract/handler.contract.ts'
import { blocksOf } from './support/transcript.ts'

const root = resolve(import.meta.dir, '..')
const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
// Inside the checkout, so that its packages are found.
const cache = join(root, '.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, 'contributing-'))
afterAll(() => rmSync(folder, { recursive: true }))

const [source = ''] = blocksOf(page.replaceAll(/^ {3}/gm, ''), { under: 'A job type in four steps', language: 'ts' })
const path = join(folder, 'checksum.ts')
writeFileSync(path, source.replaceAll("'../", `'${root}/src/`))
// Whatever the page exports is held against the contract.
const { checksum } = (await import(path)) as { readonly checksum: Handler }

handlerContract([checksum])

test('what the page says of the checkout is so', () => {
  const paths = [...page.matchAll(/`((?:src|test|docs)\/[\w./-]*\w\/?)`/g)].map(([, named = '']) => named)
  expect(paths.length).toBeGreaterThan(10)
  const written = new Set(['src/handlers/checksum.ts', 'test/handlers/checksum.test.ts'])
  expect(paths.filter((named) => !written.has(named) && !existsSync(join(root, named)))).toEqual([])
})
