import { describe, expect, test } from 'bun:test'
import { METHODS } from 'node:http'
import { httpMethods } from '../../../src/lib/http-method.ts'
import { eventually } from '../../support/eventually.ts'
import { type RawAnswer, RawHttpServer, response } from '../../support/raw-http-server.ts'
import { failureOf, get, never, once, openTestFetch } from './fetch-rig.ts'

const ok: RawAnswer = (socket) => socket.write(response(200, {}, 'ok'))
const textOf = ({ body }: { readonly body: Uint8Array }): string => Buffer.from(body).toString()

describe('a request', () => {
  test('arrives as it was given, and its answer comes back whole', async () => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(response(404, { 'x-a': '1', 'set-cookie': 'a=1\r\nset-cookie: b=2' }, 'nothing')),
    )
    await using fetch = openTestFetch()
    const url = server.url('/p/a?q=%20&q=2#part', 'a.test')
    const answer = await fetch.request(once(url, { headers: new Headers({ 'x-b': '2' }) }), never)
    expect(answer.status).toBe(404)
    expect(textOf(answer)).toBe('nothing')
    expect(answer.headers.get('x-a')).toBe('1')
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(answer.url).toBe(url)
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'POST', target: '/p/a?q=%20&q=2' })
    expect(request?.body.toString()).toBe('hello')
    expect(request?.headers.get('host')).toBe(`a.test:${server.port}`)
    expect(request?.headers.get('x-b')).toBe('2')
    expect(request?.headers.get('accept-encoding')).toBe('gzip, deflate, br, zstd')
    expect(request?.headers.get('content-length')).toBe('5')
    expect(request?.headers.has('transfer-encoding')).toBe(false)
  })

  test('to an address names the address as its host', async () => {
    await using server = await RawHttpServer.start(ok)
    await using fetch = openTestFetch()
    await fetch.request(get(server.url(), { headers: new Headers({ host: 'elsewhere.test' }) }), never)
    expect(server.requests[0]?.headers.get('host')).toBe(`127.0.0.1:${server.port}`)
  })

  test('to a name with a dot at its end leaves the dot out', async () => {
    await using server = await RawHttpServer.start(ok)
    await using fetch = openTestFetch()
    await fetch.request(get(server.url('/', 'A.test.')), never)
    expect(server.requests[0]?.headers.get('host')).toBe(`a.test:${server.port}`)
  })

  test.each([...httpMethods])('may be %s, and arrives as that', async (method) => {
    await using server = await RawHttpServer.start(ok)
    await using fetch = openTestFetch()
    const takesBody = method !== 'GET' && method !== 'HEAD'
    await fetch.request(get(server.url(), { method }), never)
    await fetch.request(get(server.url(), { method, repeatable: false }), never)
    await fetch.request(
      get(server.url(), { method, repeatable: false, ...(takesBody && { body: Buffer.from('x') }) }),
      never,
    )
    expect(server.requests.map((request) => request.method)).toEqual([method, method, method])
    expect(server.requests.map(({ body }) => body.toString())).toEqual(['', '', takesBody ? 'x' : ''])
  })

  test('may have any method that node knows, but for those to proxies', () => {
    const known = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')
    expect(new Set<string>(httpMethods)).toEqual(new Set(known))
  })

  test.each(['FOO', 'get', 'CONNECT', 'TRACE', ''])('may not be %j', async (method) => {
    await using server = await RawHttpServer.start(ok)
    await using fetch = openTestFetch()
    const failure = await failureOf(fetch.request(get(server.url(), { method }), never))
    expect(failure).toMatchObject({ code: 'INVALID_INPUT', unsent: true })
    expect(server.connections).toBe(0)
  })

  test('with a body that is large, or empty, has it arrive', async () => {
    await using server = await RawHttpServer.start((socket, { body }) =>
      socket.write(response(200, {}, `${body.length} ${Bun.hash(body)}`)),
    )
    await using fetch = openTestFetch()
    const large = Buffer.alloc(5_000_000, 'abcdefg')
    for (const repeatable of [true, false]) {
      for (const body of [large, Buffer.alloc(0)]) {
        const answer = await fetch.request(once(server.url(), { body, repeatable }), never)
        expect(textOf(answer)).toBe(`${body.length} ${Bun.hash(body)}`)
      }
    }
  })

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('%s with status %i has no body, whatever its length says', async (method, status) => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(`HTTP/1.1 ${status} Status\r\ncontent-length: 50000000\r\ncontent-encoding: gzip\r\n\r\n`),
    )
    await using fetch = openTestFetch()
    const answer = await fetch.request(get(server.url(), { method }), never)
    expect(answer.body).toHaveLength(0)
  })
})

describe('connections', () => {
  // A body that is pulled out of a stream sometimes ends after its answer is there: then the runtime closes.
  test.each([
    ['that may be repeated', true, 16],
    ['that must not be', false, 200],
  ])('are kept open and used again by requests %s', async (_, repeatable, mostConnections) => {
    await using server = await RawHttpServer.start(ok)
    await using fetch = openTestFetch()
    const url = server.url('/', 'a.test')
    const one = async (): Promise<void> => {
      for (let count = 0; count < 125; count++) await fetch.request(once(url, { repeatable }), never)
    }
    await Promise.all(Array.from({ length: 8 }, one))
    expect(server.requests).toHaveLength(1000)
    expect(server.connections).toBeLessThanOrEqual(mostConnections)
  })

  test('that the server closed meanwhile: what may be repeated is, a POST is sent once and may have left', async () => {
    const closing: RawAnswer = (socket, { turn }) => {
      if (turn === 1) socket.write(response(200, {}, 'ok'))
      else socket.destroy()
    }
    await using server = await RawHttpServer.start(closing)
    await using fetch = openTestFetch()
    for (const method of ['GET', 'PUT', 'DELETE']) {
      await fetch.request(get(server.url(), { method }), never)
      const answer = await fetch.request(get(server.url(), { method }), never)
      expect(answer.status).toBe(200)
    }
    const before = server.requests.length
    const failure = await failureOf(fetch.request(once(server.url()), never))
    expect(failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', reason: 'reset', retry: 'backoff', unsent: false })
    expect(server.requests.length - before).toBe(1)
  })
})

describe('a failure', () => {
  test.each([
    ['is closed', 'reset', (socket) => socket.destroy()],
    ['is reset', 'reset', (socket) => socket.resetAndDestroy()],
    ['is no HTTP', 'malformed', (socket) => socket.end('HTTP/1.1 200 OK\r\nnonsense line\r\n\r\n')],
    ['has two lengths', 'malformed', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n')],
  ] as const satisfies readonly (readonly [string, string, RawAnswer])[])(
    'where the answer %s: %s, sent once, may have left',
    async (_, reason, answer) => {
      await using server = await RawHttpServer.start(answer)
      await using fetch = openTestFetch()
      const failure = await failureOf(fetch.request(once(server.url('/secret?key=value', 'a.test')), never))
      expect(failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', reason, retry: 'backoff', unsent: false })
      expect(failure.error.details).toMatchObject({ host: 'a.test' })
      expect(Bun.inspect(failure.error)).not.toMatch(/key=value|127\.0\.0\.1/)
      expect(server.requests).toHaveLength(1)
    },
  )

  test.each([
    ['with a length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['compressed', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08'],
  ])('in the middle of a body %s may have left', async (_, bytes) => {
    await using server = await RawHttpServer.start((socket) => {
      socket.end(Buffer.from(bytes, 'latin1'))
    })
    await using fetch = openTestFetch()
    for (const request of [get(server.url()), once(server.url())]) {
      const failure = await failureOf(fetch.request(request, never))
      expect(failure).toMatchObject({
        code: 'HTTP_REQUEST_FAILED',
        reason: 'incomplete',
        retry: 'backoff',
        unsent: false,
      })
    }
    expect(server.requests).toHaveLength(2)
  })

  test('where nobody listens certainly has not left', async () => {
    const server = await RawHttpServer.start(ok)
    const url = server.url()
    await server[Symbol.asyncDispose]()
    await using fetch = openTestFetch()
    for (const request of [get(url), once(url)]) {
      const failure = await failureOf(fetch.request(request, never))
      expect(failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', reason: 'refused', retry: 'backoff', unsent: true })
    }
  })

  test('of the resolver, or a name without an address, has not left', async () => {
    const nobody = Object.assign(new Error('getaddrinfo ENOTFOUND a.test'), { code: 'ENOTFOUND' })
    await using unknown = openTestFetch({ resolve: () => Promise.reject(nobody) })
    expect(await failureOf(unknown.request(once(new URL('http://a.test/')), never))).toMatchObject({
      code: 'HTTP_REQUEST_FAILED',
      reason: 'dns',
      unsent: true,
    })
    await using empty = openTestFetch({ resolve: async () => [] })
    expect(await failureOf(empty.request(once(new URL('http://a.test/')), never))).toMatchObject({
      code: 'PERMISSION_DENIED',
      unsent: true,
    })
  })

  test('is what the egress policy refuses, before anything is resolved or connected', async () => {
    await using server = await RawHttpServer.start(ok)
    await using fetch = openTestFetch({ allowCidrs: [] })
    for (const url of [server.url(), server.url('/', 'a.test'), new URL('file:///etc/passwd')]) {
      expect(await failureOf(fetch.request(get(url), never))).toMatchObject({ code: 'PERMISSION_DENIED', unsent: true })
    }
    expect(server.connections).toBe(0)
  })
})

describe('addresses', () => {
  test('are tried in turn while the failure is one of connecting', async () => {
    await using server = await RawHttpServer.start(ok)
    await using fetch = openTestFetch({ resolve: async () => ['127.0.0.2', '127.0.0.3', '127.0.0.1'] })
    const answer = await fetch.request(once(server.url('/', 'a.test')), never)
    expect(answer.status).toBe(200)
    expect(server.requests).toHaveLength(1)
  })

  test('are not tried further once the request may have left', async () => {
    await using server = await RawHttpServer.start((socket) => socket.destroy())
    await using fetch = openTestFetch({ resolve: async () => ['127.0.0.1', '127.0.0.1'] })
    expect(await failureOf(fetch.request(once(server.url('/', 'a.test')), never))).toMatchObject({ reason: 'reset' })
    expect(server.requests).toHaveLength(1)
  })

  test('are asked for once: a name that changes between check and use is of no use', async () => {
    await using server = await RawHttpServer.start(ok)
    const answers = [['127.0.0.1'], ['127.0.0.9']]
    let asked = 0
    const resolve = async (): Promise<readonly string[]> => answers[asked++] ?? []
    await using fetch = openTestFetch({ resolve, allowCidrs: ['127.0.0.1/32'] })
    expect((await fetch.request(get(server.url('/', 'a.test')), never)).status).toBe(200)
    expect(asked).toBe(1)
    expect(await failureOf(fetch.request(get(server.url('/', 'a.test')), never))).toMatchObject({
      code: 'PERMISSION_DENIED',
    })
  })
})

describe('closing', () => {
  test('ends what is under way, and nothing new is begun', async () => {
    await using server = await RawHttpServer.start(() => undefined)
    const fetch = openTestFetch()
    const hanging = failureOf(fetch.request(once(server.url()), never))
    await eventually(() => server.requests.length === 1)
    await fetch[Symbol.asyncDispose]()
    expect(await hanging).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', unsent: false })
    expect(await failureOf(fetch.request(once(server.url()), never))).toMatchObject({
      code: 'RESOURCE_UNAVAILABLE',
      unsent: true,
    })
  })
})
