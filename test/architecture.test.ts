/** The rules of docs/architecture.md, over every source file of the checkout. How each can fail: test/architecture/. */
import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Glob } from 'bun'
import { importCycles, wrongImports } from './architecture/import-rules.ts'
import { foreignUses, strayWireNames } from './architecture/owner-rules.ts'
import { shapeFaults } from './architecture/shape-rules.ts'
import { parseSource } from './architecture/source-file.ts'

const root = resolve(import.meta.dir, '..')
const paths = ['*.ts', '{src,test,bench,build,examples}/**/*.ts'].flatMap((glob) => [
  ...new Glob(glob).scanSync({ cwd: root }),
])
const all = paths.map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
const sources = all.filter(({ path }) => path.startsWith('src/'))

describe('architecture', () => {
  test('looks at every source file that git knows, and at enough of them', () => {
    const listed = Bun.spawnSync(['git', 'ls-files', '*.ts'], { cwd: root })
    const known = listed.success
      ? listed.stdout
          .toString()
          .trim()
          .split('\n')
          .filter((path) => path !== '')
      : []
    const present = new Set(paths)
    expect(known.filter((path) => !present.has(path))).toEqual([])
    expect(sources.length).toBeGreaterThan(40)
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(2 * sources.length)
    expect(sources.flatMap(({ uses }) => uses).length).toBeGreaterThan(20 * sources.length)
  })

  test('imports point down, and packages are used by their owners only', () => {
    expect(sources.flatMap(wrongImports)).toEqual([])
  })

  test('no imports go in a circle', () => {
    expect(importCycles(all)).toEqual([])
  })

  test('environment, time, console, standard output and threads have one owner each', () => {
    expect(sources.flatMap(foreignUses)).toEqual([])
  })

  test('names of the wire stay in schemas', () => {
    expect(sources.flatMap(strayWireNames)).toEqual([])
  })

  test('files are short, well named and free of what the project does without', () => {
    expect(all.flatMap(shapeFaults)).toEqual([])
  })

  test('the checkout stands alone', () => {
    // Put together, so that this file does not find itself.
    const elsewhere = ['..', 'shared'].join('/')
    const pages = ['*.md', 'docs/**/*.md'].flatMap((glob) => [...new Glob(glob).scanSync({ cwd: root })])
    const texts = [...all, ...pages.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))]
    expect(texts.filter(({ text }) => text.includes(elsewhere)).map(({ path }) => path)).toEqual([])
  })
})
