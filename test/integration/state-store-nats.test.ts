/** What only the store on JetStream can meet: servers that go, buckets that vanish, permissions. */
import { describe, expect, test } from 'bun:test'
import { headers } from '@nats-io/nats-core'
import { StoreError } from '../../src/store/state-store.ts'
import { rejection } from '../contract/bus-world.ts'
import { observe } from '../nats/observer.ts'
import { openKvStore } from '../nats/open-kv-store.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { hasNats, startNats } from '../support/nats-server.ts'

const { signal } = new AbortController()
const x = new Uint8Array([120])
const stream = 'KV_BEAMLINE_STATE'
const unreachable = expect.objectContaining({ name: 'StoreError', reason: 'unreachable' })
const versions = (['newest', 'old'] as const).filter(hasNats)

describe.each(versions)('on the %s server', (version) => {
  test('records outlive a restart of the server, and the store says so while it is away', async () => {
    await using server = await startNats({ version })
    await using opened = await openKvStore(server.url)
    const { store } = opened
    const revision = await store.create('before', x, 1, signal)
    await server.kill()
    await eventually(() => store.health() === 'not connected')
    for (const attempt of [store.get('before', signal), store.create('k', x, 1, signal), store.due(9, 9, signal)])
      expect(await rejection(attempt)).toEqual(unreachable)
    expect(store.count('')).toBe(1)
    await server.restart()
    await eventually(() => store.health() === 'ok')
    expect(await store.due(9, 9, signal)).toEqual(['before'])
    expect((await store.get('before', signal))?.revision).toBe(revision ?? '')
    expect(await store.create('after', x, 2, signal)).toBeString()
    expect(await store.due(9, 9, signal)).toEqual(['before', 'after'])
  }, 30_000)

  test('a bucket that is deleted is made again, and the loss is told', async () => {
    await using server = await startNats({ version })
    await using opened = await openKvStore(server.url)
    await using observer = await observe(server.url)
    const { store, bus } = opened
    const revision = (await store.create('lost', x, 1, signal)) ?? ''
    await observer.manager.streams.delete(stream)
    expect(await store.replace({ key: 'lost', revision }, x, 1, signal)).toBeUndefined()
    expect(await store.create('new', x, 2, signal)).toBeString()
    expect(await store.due(9, 9, signal)).toEqual(['new'])
    await observer.manager.streams.delete(stream)
    expect(await store.get('new', signal)).toBeUndefined()
    expect(store.count('')).toBe(0)
    const told = bus.complaints.filter(({ message }) => message.includes('was deleted'))
    expect(told).toHaveLength(2)
  })

  test('a bucket that is deleted while nobody asks is missed by its silence', async () => {
    await using server = await startNats({ version })
    await using opened = await openKvStore(server.url)
    await using observer = await observe(server.url)
    await opened.store.create('lost', x, 1, signal)
    await observer.manager.streams.delete(stream)
    await eventually(() => opened.store.count('') === 0, { timeoutMs: 15_000 })
    expect(opened.store.health()).toBe('ok')
  }, 30_000)

  test('a consumer that is deleted is made again, and nothing is missed', async () => {
    await using server = await startNats({ version })
    await using opened = await openKvStore(server.url)
    await using other = await openKvStore(server.url)
    await using observer = await observe(server.url)
    for await (const { name } of observer.manager.consumers.list(stream)) {
      await observer.manager.consumers.delete(stream, name)
    }
    await other.store.create('unheard', x, 1, signal)
    await eventually(async () => (await opened.store.due(9, 9, signal)).length === 1, { timeoutMs: 15_000 })
  }, 30_000)

  test('without JetStream nothing can be kept, and it is said at once', async () => {
    await using server = await startNats({ version, jetstream: false })
    await using opened = await openKvStore(server.url, { ready: false })
    const { store } = opened
    await eventually(() => store.health() === 'the server has no JetStream for this account')
    expect(await rejection(store.create('k', x, 1, signal))).toEqual(unreachable)
  })

  test('the last ten values are kept, and what was removed leaves nothing', async () => {
    await using server = await startNats({ version })
    await using opened = await openKvStore(server.url)
    await using observer = await observe(server.url)
    const { store } = opened
    let revision = (await store.create('audited', x, 1, signal)) ?? ''
    for (let n = 0; n < 15; n += 1) revision = (await store.replace({ key: 'audited', revision }, x, n, signal)) ?? ''
    const kept = async () => (await observer.manager.streams.info(stream)).state.messages
    expect(await kept()).toBe(10)
    expect(await store.remove({ key: 'audited', revision }, signal)).toBe(true)
    expect(await kept()).toBe(0)
  })

  test('what other clients of the bucket delete is gone, and may be made again', async () => {
    await using server = await startNats({ version })
    await using opened = await openKvStore(server.url)
    await using observer = await observe(server.url)
    const { store } = opened
    await store.create('k', x, 1, signal)
    const marker = headers()
    marker.set('KV-Operation', 'DEL')
    observer.nats.publish('$KV.BEAMLINE_STATE.k', new Uint8Array(), { headers: marker })
    await eventually(async () => (await store.due(9, 9, signal)).length === 0)
    expect(await store.get('k', signal)).toBeUndefined()
    expect(await store.create('k', x, 2, signal)).toBeString()
    expect(await store.due(9, 9, signal)).toEqual(['k'])
  })
})

test('a lost answer is no conflict: it is told, and what was written can be read', async () => {
  await using server = await startNats()
  await using proxy = await openProxy(server.port)
  await using opened = await openKvStore(proxy.url)
  const { store } = opened
  proxy.hold()
  const error = await rejection(store.create('k', x, 1, signal))
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toEqual(unreachable)
  expect(store.health()).not.toBe('ok')
  proxy.mend()
  await eventually(async () => (await store.get('k', signal)) !== undefined)
  expect(await store.create('k', x, 1, signal)).toBeUndefined()
  expect(store.health()).toBe('ok')
}, 30_000)

test('a write that permissions forbid is told, and readiness says so', async () => {
  const users = `authorization { users = [ { user: admin, password: a },
    { user: w, password: p, permissions: { publish: { deny: "$KV.>" } } } ] }`
  await using server = await startNats({ config: users })
  await using opened = await openKvStore(server.url.replace('//', '//w:p@'))
  expect(await rejection(opened.store.create('k', x, 1, signal))).toEqual(unreachable)
  expect(opened.store.health()).toMatch(/permission/i)
  expect(await opened.store.get('k', signal)).toBeUndefined()
}, 30_000)

test('looking into the bucket makes none, and finds what is there', async () => {
  await using server = await startNats()
  await using observer = await observe(server.url)
  await using one = await openKvStore(server.url)
  await one.store[Symbol.asyncDispose]()
  await observer.manager.streams.delete(stream)
  const peek = () => Array.fromAsync(one.bus.state?.peek('a.', signal) ?? [])
  expect(await peek()).toEqual([])
  expect(await rejection(observer.manager.streams.info(stream))).toMatchObject({ message: 'stream not found' })
  await using two = await openKvStore(server.url)
  for (const key of ['a.1', 'a.2', 'b.1']) await two.store.create(key, x, 1, signal)
  expect((await peek()).map(({ key }) => key).toSorted()).toEqual(['a.1', 'a.2'])
})
