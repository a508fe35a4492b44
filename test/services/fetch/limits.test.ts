import { describe, expect, test } from 'bun:test'
import { systemClock } from '../../../src/lib/clock.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FullBacklog } from '../../support/full-backlog.ts'
import { RawHttpServer, response } from '../../support/raw-http-server.ts'
import { failureOf, get, never, once, openTestFetch } from './fetch-rig.ts'

const connectTimeoutMs = 5000
const silent = (): void => undefined

/** How long the promise takes to settle, in milliseconds. */
async function msUntilSettled(promise: Promise<unknown>): Promise<number> {
  const startedAt = systemClock.monotonic()
  await promise.catch(() => undefined)
  return systemClock.monotonic() - startedAt
}

describe.skipIf(process.platform !== 'linux')('the connect limit, where nobody accepts', () => {
  test('ends a request that must not be sent twice, certainly unsent', async () => {
    using full = await FullBacklog.open()
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs })
    const failure = failureOf(fetch.request(once(new URL(`http://127.0.0.1:${full.port}/`)), never))
    await eventually(() => clock.pending === 1)
    await clock.advance(connectTimeoutMs)
    expect(await failure).toMatchObject({
      code: 'CONNECTION_TIMEOUT',
      reason: 'connect',
      retry: 'backoff',
      unsent: true,
    })
    expect(clock.pending).toBe(0)
  })

  test('ends a request that may be repeated, which a probe finds out', async () => {
    using full = await FullBacklog.open()
    await using fetch = openTestFetch({ connectTimeoutMs: 300 })
    const failure = await failureOf(fetch.request(get(new URL(`http://127.0.0.1:${full.port}/`)), never))
    expect(failure).toMatchObject({ code: 'CONNECTION_TIMEOUT', retry: 'backoff' })
  })

  test('is shared by the addresses: a first one that hangs leaves time for the second', async () => {
    using full = await FullBacklog.open()
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs, resolve: async () => ['127.0.0.1', '127.0.0.2'] })
    const failure = failureOf(fetch.request(once(new URL(`http://a.test:${full.port}/`)), never))
    await eventually(() => clock.pending === 1)
    await clock.advance(connectTimeoutMs / 2)
    expect(await failure).toMatchObject({ reason: 'refused', unsent: true })
  })

  test('gives way to an abort, certainly unsent', async () => {
    using full = await FullBacklog.open()
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs })
    const controller = new AbortController()
    const failure = failureOf(fetch.request(once(new URL(`http://127.0.0.1:${full.port}/`)), controller.signal))
    await eventually(() => clock.pending === 1)
    controller.abort()
    expect(await failure).toMatchObject({ code: 'CANCELLED', unsent: true })
  })
})

describe('the connect limit', () => {
  test.each([
    ['a request that must not be sent twice', once, true],
    ['a request that may be repeated', get, false],
  ])('holds for a TLS handshake that hangs: %s', async (_, make, unsent) => {
    await using server = await RawHttpServer.start(silent)
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs })
    for (const host of ['a.test', '127.0.0.1']) {
      const before = server.connections
      const failure = failureOf(fetch.request(make(new URL(`https://${host}:${server.port}/`)), never))
      await eventually(() => server.connections > before)
      await clock.advance(250)
      if (make === get) await eventually(() => server.connections === before + 2)
      await clock.advance(connectTimeoutMs)
      expect(await failure).toMatchObject({ code: 'CONNECTION_TIMEOUT', unsent })
      expect(clock.pending).toBe(0)
    }
    await eventually(() => server.closedConnections === server.connections)
  })

  test('holds for a resolver that hangs', async () => {
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs, resolve: () => new Promise(() => undefined) })
    const failure = failureOf(fetch.request(once(new URL('http://a.test/')), never))
    await clock.advance(connectTimeoutMs)
    expect(await failure).toMatchObject({ code: 'CONNECTION_TIMEOUT', unsent: true })
  })

  test('is over once the server has accepted, however long it takes to answer', async () => {
    await using server = await RawHttpServer.start(silent)
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs })
    const controller = new AbortController()
    const requests = [get(server.url()), once(server.url())]
    const failures = requests.map((request) =>
      fetch.request(request, controller.signal).catch((error: unknown) => error),
    )
    await eventually(() => server.requests.length === 2)
    await clock.advance(250)
    await eventually(() => clock.pending === 0)
    await clock.advance(10 * connectTimeoutMs)
    controller.abort('enough')
    expect(await Promise.all(failures)).toEqual(['enough', 'enough'])
  })
})

describe('the limit for the first byte', () => {
  test.each([
    ['a request that may be repeated', get],
    ['a request that must not be', once],
  ])('ends %s, which may have left', async (_, make) => {
    await using server = await RawHttpServer.start(silent)
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs })
    const failure = failureOf(fetch.request(make(server.url(), { firstByteTimeoutMs: 1000 }), never))
    await eventually(() => server.requests.length === 1)
    await clock.advance(250)
    await eventually(() => server.connections === (make === get ? 2 : 1) && clock.pending === 1)
    await clock.advance(749)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(await failure).toMatchObject({ code: 'TIMEOUT', reason: 'first_byte', unsent: false })
  })

  test('is over with the head, however slow the body is', async () => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no'),
    )
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock })
    const controller = new AbortController()
    const answer = fetch.request(once(server.url(), { firstByteTimeoutMs: 1000 }), controller.signal)
    answer.catch(() => undefined)
    await eventually(() => server.requests.length === 1 && clock.pending === 0)
    await clock.advance(5000)
    controller.abort('enough')
    expect(await answer.catch((error: unknown) => error)).toBe('enough')
  })
})

describe('the signal', () => {
  const heads = {
    'before the head': '',
    'in a head that never ends': 'HTTP/1.1 200 OK\r\nx: ',
    'in a body with a length': 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc',
    'in a body without a length': 'HTTP/1.1 200 OK\r\n\r\nabc',
    'in a compressed body': 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0',
  }
  test.each(Object.entries(heads))('ends it at once, %s, and closes the connection', async (_, head) => {
    let isWritten = false
    await using server = await RawHttpServer.start((socket) =>
      socket.write(Buffer.from(head, 'latin1'), () => {
        isWritten = true
      }),
    )
    await using fetch = openTestFetch()
    const controller = new AbortController()
    const answer = fetch.request(once(server.url()), controller.signal)
    answer.catch(() => undefined)
    await eventually(() => isWritten)
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await msUntilSettled(answer)).toBeLessThan(50)
    expect(await answer.catch((error: unknown) => error)).toBe(reason)
    await eventually(() => server.closedConnections === 1)
  })

  test('that aborted before says that nothing left', async () => {
    await using server = await RawHttpServer.start(silent)
    await using fetch = openTestFetch()
    const failure = await failureOf(fetch.request(once(server.url()), AbortSignal.abort()))
    expect(failure).toMatchObject({ code: 'CANCELLED', unsent: true })
    expect(server.connections).toBe(0)
  })

  test('ends the wait for a resolver, certainly unsent', async () => {
    await using fetch = openTestFetch({ resolve: () => new Promise(() => undefined) })
    const controller = new AbortController()
    const failure = failureOf(fetch.request(once(new URL('http://a.test/')), controller.signal))
    controller.abort()
    expect(await failure).toMatchObject({ code: 'CANCELLED', unsent: true })
  })
})

describe('the number of requests to an origin', () => {
  test('is limited; who waits too long is told that it has not left', async () => {
    await using server = await RawHttpServer.start(silent)
    const clock = new FakeClock()
    await using fetch = openTestFetch({ clock, connectTimeoutMs, maxPerOrigin: 2 })
    const controller = new AbortController()
    const inside = [1, 2].map(() => fetch.request(once(server.url()), controller.signal).catch(() => 'ended'))
    await eventually(() => server.requests.length === 2)
    const failure = failureOf(fetch.request(once(server.url()), never))
    await clock.advance(connectTimeoutMs)
    expect(await failure).toMatchObject({
      code: 'RESOURCE_UNAVAILABLE',
      reason: 'busy',
      retry: 'backoff',
      unsent: true,
      uncharged: true,
    })
    expect(server.requests).toHaveLength(2)
    server.answer = (socket) => socket.write(response(200))
    const next = fetch.request(once(server.url()), never)
    controller.abort()
    expect(await Promise.all(inside)).toEqual(['ended', 'ended'])
    expect((await next).status).toBe(200)
  })
})
