import { afterEach, expect, test } from 'bun:test'
import { hostname, userInfo } from 'node:os'
import { caller } from '../../src/cli/dlq-place.ts'

const { USER } = process.env
afterEach(() => {
  if (USER === undefined) delete process.env['USER']
  else process.env['USER'] = USER
})

test('who replays is whose rights it has, whatever the environment says', async () => {
  const names = new Set<string>()
  for (const claimed of ['somebody-else', '']) {
    process.env['USER'] = claimed
    names.add(await caller())
  }
  const [name = '', ...others] = names
  expect(others).toEqual([])
  const isRoot = userInfo().uid === 0
  expect(name).toMatch(/^command: .+@/)
  expect(name).toEndWith(`@${hostname()}`)
  expect(name).not.toMatch(/somebody-else|unknown/)
  if (isRoot) expect(name).toBe(`command: root@${hostname()}`)
})
