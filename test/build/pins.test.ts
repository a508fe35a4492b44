import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockedPackages } from '../../build/lock-file.ts'
import pins from '../../build/runtimes/package.json' with { type: 'json' }
import { root } from '../../build/source.ts'
import { targets } from '../../build/targets.ts'
import manifest from '../../package.json' with { type: 'json' }

const bun = manifest.packageManager.replace('bun@', '')

test('one version of Bun builds, is built in and is in the container that builds', async () => {
  const wanted = Object.values(targets).map(({ runtime }) => runtime)
  expect(Object.keys(pins.dependencies).toSorted()).toEqual(wanted.toSorted())
  expect(new Set(Object.values(pins.dependencies))).toEqual(new Set([bun]))
  const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8')
  expect(/oven\/bun:([\d.]+)/.exec(dockerfile)?.[1]).toBe(bun)
})

test('each has a strong checksum', async () => {
  const locked = await lockedPackages(join(root, 'build/runtimes/bun.lock'), Object.keys(pins.dependencies))
  expect(locked.map(({ name, version }) => `${name}@${version}`)).toEqual(
    Object.keys(pins.dependencies)
      .toSorted()
      .map((name) => `${name}@${bun}`),
  )
  expect(locked.filter(({ integrity }) => !/^sha512-[\w+/]{86}==$/.test(integrity))).toEqual([])
})
