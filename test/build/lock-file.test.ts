import { describe, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockedPackages } from '../../build/lock-file.ts'
import { root } from '../../build/source.ts'
import manifest from '../../package.json' with { type: 'json' }

/** The packages that these names lead to in a lock file with these ones, as path@version. */
async function found(packages: Readonly<Record<string, unknown>>, ...names: string[]): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-lock-'))
  try {
    const path = join(folder, 'bun.lock')
    await writeFile(path, JSON.stringify({ lockfileVersion: 2, packages }))
    return (await lockedPackages(path, names)).map((item) => `${item.path}@${item.version}`)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const entry = (id: string, facts: unknown = {}): unknown => [id, '', facts, 'sha512-']

describe('the packages that some packages need', () => {
  test('are found through others, once each, in circles too', async () => {
    const packages = {
      a: entry('a@1.0.0', { dependencies: { '@s/b': '^1' } }),
      '@s/b': entry('@s/b@1.1.0', { dependencies: { a: '*', c: '*' } }),
      c: entry('c@2.0.0'),
      other: entry('other@1.0.0'),
    }
    const all = ['node_modules/@s/b@1.1.0', 'node_modules/a@1.0.0', 'node_modules/c@2.0.0']
    expect(await found(packages, 'a')).toEqual(all)
    expect(await found(packages, 'c', 'a')).toEqual(all)
  })

  test('are those that lie nearest', async () => {
    const packages = {
      a: entry('a@1.0.0', { dependencies: { b: '^1', c: '*' } }),
      'a/b': entry('b@1.0.0', { dependencies: { c: '*' } }),
      b: entry('b@2.0.0'),
      c: entry('c@1.0.0', { dependencies: { b: '^2' } }),
    }
    const nested = 'node_modules/a/node_modules/b@1.0.0'
    expect(await found(packages, 'a')).toEqual([
      'node_modules/a@1.0.0',
      nested,
      'node_modules/b@2.0.0',
      'node_modules/c@1.0.0',
    ])
  })

  test('peers belong to them, but those that are optional', async () => {
    const facts = { peerDependencies: { p: '*', q: '*' }, optionalPeers: ['q'], optionalDependencies: { gone: '*' } }
    const packages = { a: entry('a@1.0.0', facts), p: entry('p@1.0.0'), q: entry('q@1.0.0') }
    expect(await found(packages, 'a')).toEqual(['node_modules/a@1.0.0', 'node_modules/p@1.0.0'])
  })

  test('must be there', async () => {
    const packages = { a: entry('a@1.0.0', { dependencies: { b: '^1' } }) }
    await expect(found(packages, 'a')).rejects.toThrow('has no b')
    await expect(found(packages, 'z')).rejects.toThrow('has no z')
  })
})

test('every package that is bundled is among those of the product, at a version that is installed', async () => {
  const listed = await lockedPackages(join(root, 'bun.lock'), Object.keys(manifest.dependencies))
  const entrypoints = ['src/main.ts', 'src/services/threads/script-thread.ts'].map((path) => join(root, path))
  const { metafile } = await Bun.build({ entrypoints, root, target: 'bun', metafile: true, throw: true })
  const bundled = Object.keys(metafile?.inputs ?? {}).flatMap((path) => {
    const place = /(?:^|\/)((?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+)/.exec(path)?.[1]
    return place === undefined ? [] : [place.slice(0, -1)]
  })
  expect(new Set(bundled).size).toBeGreaterThan(12)
  const paths = new Set(listed.map(({ path }) => path))
  expect([...new Set(bundled)].filter((path) => !paths.has(path))).toEqual([])
  expect(listed.map(({ name }) => name)).not.toContain('fast-check')
  const installed = await Promise.all(listed.map(({ path }) => Bun.file(join(root, path, 'package.json')).json()))
  expect(installed.map(({ name, version }) => `${name}@${version}`)).toEqual(
    listed.map(({ name, version }) => `${name}@${version}`),
  )
})
