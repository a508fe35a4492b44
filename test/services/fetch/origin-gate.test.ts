import { expect, test } from 'bun:test'
import { OriginGate } from '../../../src/services/fetch/origin-gate.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { failureOf, never } from './fetch-rig.ts'

function rig(maxPerOrigin: number) {
  const clock = new FakeClock()
  const gate = new OriginGate({ maxPerOrigin, waitMs: 1000 }, clock)
  const order: string[] = []
  const enter = async (name: string, signal = never, key = 'a', tenantId = 'acme'): Promise<Disposable> => {
    const place = await gate.enter(tenantId, { key, host: 'a.test', port: 80 }, signal)
    order.push(name)
    return place
  }
  return { clock, enter, order }
}

test('those who wait come in the order in which they came', async () => {
  const { clock, enter, order } = rig(1)
  const first = await enter('first')
  const others = ['second', 'third'].map((name) => enter(name))
  await clock.advance(0)
  expect(order).toEqual(['first'])
  first[Symbol.dispose]()
  const second = await others[0]
  expect(order).toEqual(['first', 'second'])
  second?.[Symbol.dispose]()
  await others[1]
  expect(order).toEqual(['first', 'second', 'third'])
  expect(clock.pending).toBe(0)
})

test('tenants are served in turn, each in the order in which its own came', async () => {
  const { clock, enter, order } = rig(1)
  const first = await enter('first')
  const leave = (place: Disposable): void => place[Symbol.dispose]()
  const names = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']
  const others = names.map(async (name) => leave(await enter(name, never, 'a', name.slice(0, 1))))
  await clock.advance(0)
  leave(first)
  await Promise.all(others)
  expect(order).toEqual(['first', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  expect(clock.pending).toBe(0)
  await enter('next')
})

test('origins do not wait for each other', async () => {
  const { enter, order } = rig(1)
  await enter('first')
  await enter('other', never, 'b')
  expect(order).toEqual(['first', 'other'])
})

test('who leaves while waiting is not waited for, and takes no place', async () => {
  const { clock, enter, order } = rig(1)
  const first = await enter('first')
  const controller = new AbortController()
  const gone = enter('gone', controller.signal).catch((reason: unknown) => reason)
  const late = failureOf(enter('late'))
  await clock.advance(500)
  const last = enter('last')
  controller.abort('enough')
  expect(await gone).toBe('enough')
  await clock.advance(500)
  expect(await late).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', reason: 'busy', unsent: true, uncharged: true })
  first[Symbol.dispose]()
  await last
  expect(order).toEqual(['first', 'last'])
  expect(clock.pending).toBe(0)
})
