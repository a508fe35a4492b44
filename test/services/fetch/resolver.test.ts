import { expect, test } from 'bun:test'
import { rememberingResolve } from '../../../src/services/fetch/resolver.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { failureOf, never, once, openTestFetch } from './fetch-rig.ts'

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

test('no more than 1000 names are asked for at once; what is known or being asked for is answered all the same', async () => {
  const { clock, lookups, resolve } = rig()
  const known = resolve('known.test', never)
  lookups[0]?.resolve(['192.0.2.1'])
  await known
  const asked = Array.from({ length: 1000 }, (_, count) => resolve(`${count}.test`, never))
  expect(await failureOf(resolve('a.test', never))).toMatchObject({
    code: 'RESOURCE_UNAVAILABLE',
    reason: 'dns_busy',
    retry: 'backoff',
    unsent: true,
    uncharged: true,
  })
  expect(lookups).toHaveLength(1001)
  expect(await resolve('known.test', never)).toEqual(['192.0.2.1'])
  const shared = resolve('7.test', never)
  for (const lookup of lookups) lookup.resolve(['192.0.2.7'])
  expect(await shared).toEqual(['192.0.2.7'])
  await Promise.all(asked)
  await clock.advance(0)
  const free = resolve('a.test', never)
  lookups[1001]?.resolve(['192.0.2.2'])
  expect(await free).toEqual(['192.0.2.2'])
})

test('one who is refused for the many look-ups is told so by the service, with nothing charged', async () => {
  const { resolve } = rig()
  for (let count = 0; count < 1000; count++) resolve(`${count}.test`, never).catch(() => undefined)
  await using fetch = openTestFetch({ resolve })
  const failure = await failureOf(fetch.request(once(new URL('http://a.test/')), never))
  expect(failure).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', reason: 'dns_busy', unsent: true, uncharged: true })
  expect(fetch.breakerStates().open).toBe(0)
})
