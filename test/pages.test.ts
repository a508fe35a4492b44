/** What the pages name is there: files, settings, metrics, log lines. */
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Glob } from 'bun'
import { allSettings } from '../src/config/load.ts'
import { errorKinds } from '../src/errors.ts'

const root = resolve(import.meta.dir, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const found = (...globs: readonly string[]): readonly string[] =>
  globs.flatMap((glob) => [...new Glob(glob).scanSync({ cwd: root })])

const pages = found('*.md', 'docs/**/*.md')
/** The pages that are written by hand and tell people what to set and to watch. */
const manuals = pages.filter((path) => /^(README|CONTRIBUTING|docs\/[a-z-]+)\.md$/.test(path))
const sources = found('src/**/*.ts').map(read).join('\n')

test('links between pages, and to files of the checkout, lead somewhere', () => {
  const links = pages.flatMap((path) =>
    [...withoutCode(read(path)).matchAll(/\]\((?![a-z]+:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => ({
      path,
      target,
    })),
  )
  expect(links.length).toBeGreaterThan(40)
  const lost = links.filter(({ path, target }) => !existsSync(join(root, dirname(path), target)))
  expect(lost.map(({ path, target }) => `${path}: ${target}`)).toEqual([])
})

test('whoever begins with the README finds every page', () => {
  const readme = read('README.md')
  expect(pages.filter((path) => /^docs\/[^/]+\.md$/.test(path) && !readme.includes(`(${path})`))).toEqual([])
})

test('paths that pages name are in the checkout', () => {
  const named = manuals.flatMap((path) => codesOf(path, /^(?:deploy|examples|bench)\/[\w./-]*$/))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(({ code }) => !existsSync(join(root, code)))).toEqual([])
})

test('settings and error codes that pages name are those of the program', () => {
  const variables = allSettings().map(({ setting }) => setting.variable)
  const known = new Set<string>([...variables, ...Object.keys(errorKinds)])
  const named = manuals.flatMap((path) => codesOf(path, /^[A-Z][A-Z\d]*_[A-Z\d_<>]+$/))
  expect(named.length).toBeGreaterThan(200)
  expect(named.filter(({ code }) => !known.has(code) && !sources.includes(`'${code}'`) && !isExample(code))).toEqual([])
})

test('metrics that pages name are counted', () => {
  const named = manuals.flatMap((path) => codesOf(path, /^worker_[a-z_]+(?:\{.*\})?$/))
  expect(named.length).toBeGreaterThan(60)
  expect(named.filter(({ code }) => !sources.includes(`'${code.replace(/\{.*/, '')}'`))).toEqual([])
})

test('lines of the log that operators are told of are written', () => {
  const [, after = ''] = read('docs/operations.md').split('### Lines of the log\n')
  const [section = ''] = after.split('\n## ')
  const lines = [...section.replaceAll(/\s+/g, ' ').matchAll(/`([A-Z][^`]* [^`]*)`/g)].map(([, line = '']) => line)
  expect(lines.length).toBeGreaterThan(15)
  expect(lines.filter((line) => !sources.includes(line.replace(/…$/, '')))).toEqual([])
})

/** Made up, or of others. */
function isExample(code: string): boolean {
  return [
    /^SECRET_GITHUB/,
    /^SQL_CONNECTION_REPORTING$/,
    /^SHA2_/,
    /^(SECRET|SQL_CONNECTION)_<NAME>/,
    /^(HTTP_PROXY|STATE_DIRECTORY|NATS_SERVER|NATS_SERVER_OLD|SYSTEMD_ANALYZE)$/,
    /^DLQ_REJECTED$/,
    /^KV_BEAMLINE_(STATE|GIVE_BACKS)$/,
  ].some((pattern) => pattern.test(code))
}

function codesOf(path: string, shape: RegExp): readonly { readonly path: string; readonly code: string }[] {
  return [...withoutBlocks(read(path)).matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) =>
    shape.test(code) ? [{ path, code }] : [],
  )
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replaceAll(/`[^`\n]*`/g, '')
}
