import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import manifest from '../package.json' with { type: 'json' }

test('every dependency is pinned exactly, and has its line in docs/dependencies.md', () => {
  const page = readFileSync(resolve(import.meta.dir, '../docs/dependencies.md'), 'utf8')
  const described = page.split('\n').flatMap((line) => {
    const cell = /^\| (`.*?) \|/.exec(line)?.[1] ?? ''
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '')
  })
  const dependencies = { ...manifest.dependencies, ...manifest.devDependencies }
  expect(described.toSorted()).toEqual(Object.keys(dependencies).toSorted())
  expect(Object.values(dependencies).filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
})
