import { expect, test } from 'bun:test'
import { rememberingResolve } from '../../../src/services/fetch/resolver.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { never } from './fetch-rig.ts'

function rig() {
  const clock = new FakeClock()
  const lookups: PromiseWithResolvers<readonly string[]>[] = []
  const resolve = rememberingResolve(clock, () => {
    const lookup = Promise.withResolvers<readonly string[]>()
    lookups.push(lookup)
    return lookup.promise
  })
  return { clock, lookups, resolve }
}

test('those who ask at once share one look-up; one who leaves does not disturb the others', async () => {
  const { lookups, resolve } = rig()
  const controller = new AbortController()
  const leaving = resolve('a.test', controller.signal).catch((reason: unknown) => reason)
  const staying = resolve('a.test', never)
  controller.abort('enough')
  expect(await leaving).toBe('enough')
  lookups[0]?.resolve(['192.0.2.1'])
  expect(await staying).toEqual(['192.0.2.1'])
  expect(lookups).toHaveLength(1)
})

test('an answer is remembered for five seconds', async () => {
  const { clock, lookups, resolve } = rig()
  const asked = resolve('a.test', never)
  lookups[0]?.resolve(['192.0.2.1'])
  await asked
  await clock.advance(4999)
  expect(await resolve('a.test', never)).toEqual(['192.0.2.1'])
  await clock.advance(1)
  const again = resolve('a.test', never)
  lookups[1]?.resolve(['192.0.2.2'])
  expect(await again).toEqual(['192.0.2.2'])
})

test('a failure is remembered for one second', async () => {
  const { clock, lookups, resolve } = rig()
  const asked = resolve('a.test', never).catch((error: unknown) => error)
  lookups[0]?.reject(new Error('no such name'))
  expect(await asked).toEqual(new Error('no such name'))
  await clock.advance(999)
  await expect(resolve('a.test', never)).rejects.toThrow('no such name')
  await clock.advance(1)
  const again = resolve('a.test', never)
  lookups[1]?.resolve(['192.0.2.1'])
  expect(await again).toEqual(['192.0.2.1'])
})

test('the system knows the addresses of localhost, and none of a name that cannot be', async () => {
  const resolve = rememberingResolve(new FakeClock())
  expect(await resolve('localhost', never)).toContain('127.0.0.1')
  await expect(resolve('no-such-name.invalid', never)).rejects.toThrow()
})
