import { describe, expect, test } from 'bun:test'
import { redirected } from '../../../src/services/fetch/redirect.ts'
import { eventually } from '../../support/eventually.ts'
import { type RawAnswer, RawHttpServer, response } from '../../support/raw-http-server.ts'
import { failureOf, get, never, once, openTestFetch } from './fetch-rig.ts'

const hop = {
  method: 'POST',
  url: new URL('https://a.test/one?x=1'),
  headers: new Headers({
    authorization: 'Bearer 1',
    cookie: 'a=1',
    'proxy-authorization': 'Basic 1',
    'x-key': 'secret',
    'x-other': 'kept',
    'content-type': 'text/plain',
    'content-language': 'en',
  }),
  body: Buffer.from('hello'),
  repeatable: false,
}
const credentials = new Set(['x-key'])
const redirect = (parts: Partial<typeof hop>, status: number, location: string | null) =>
  redirected({ ...hop, ...parts }, status, location, credentials)

describe('what a redirect asks for', () => {
  test.each([
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [303, 'GET', 'GET'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [307, 'POST', 'POST'],
    [308, 'POST', 'POST'],
    [301, 'HEAD', 'HEAD'],
  ])('%i makes of %s a %s', (status, method, next) => {
    const found = redirect({ method }, status, '/two')
    expect(found?.method).toBe(next)
    expect(found?.url.href).toBe('https://a.test/two')
    const losesBody = next !== method
    expect(found?.body).toEqual(losesBody ? undefined : hop.body)
    expect(found?.headers.has('content-type')).toBe(!losesBody)
    expect(found?.headers.has('content-language')).toBe(!losesBody)
    expect(found?.repeatable).toBe(losesBody)
    expect(found?.headers.get('authorization')).toBe('Bearer 1')
  })

  test.each([200, 201, 300, 304, 305, 306, 309, 400])('%i asks for nothing', (status) => {
    expect(redirect({}, status, '/two')).toBeUndefined()
  })

  test.each([null, 'http://[', 'https://a b/'])('a location of %j asks for nothing', (location) => {
    expect(redirect({}, 302, location)).toBeUndefined()
  })

  test.each([
    ['another host', 'https://b.test/two'],
    ['a host below', 'https://x.a.test/two'],
    ['another port', 'https://a.test:8443/two'],
    ['another scheme', 'http://a.test/two'],
    ['another host without a scheme', '//b.test/two'],
  ])('%s loses the credentials, and nothing else', (_, location) => {
    const found = redirect({}, 307, location)
    expect([...(found?.headers.keys() ?? [])].toSorted()).toEqual(['content-language', 'content-type', 'x-other'])
  })

  test.each(['https://a.test:443/two', 'https://A.TEST/two', '?y=2', 'two'])('%s is the same origin', (location) => {
    expect(redirect({}, 307, location)?.headers.get('x-key')).toBe('secret')
  })

  test('what is not ASCII in a location is UTF-8', () => {
    const location = Buffer.from('/ä').toString('latin1')
    expect(redirect({}, 307, location)?.url.pathname).toBe('/%C3%A4')
  })
})

const to = (location: string, status = 302): Buffer => response(status, { location }, 'gone')

/** Redirects along the numbers of the path, down to 0. */
const countdown: RawAnswer = (socket, { target }) => {
  const left = Number(target.slice(1))
  socket.write(left === 0 ? response(200, {}, 'here') : to(`/${left - 1}`))
}

describe('redirects', () => {
  test('are followed to their end, and the answer says where that is', async () => {
    await using server = await RawHttpServer.start(countdown)
    await using fetch = openTestFetch()
    const answer = await fetch.request(get(server.url('/5')), never)
    expect(answer.status).toBe(200)
    expect(answer.url.pathname).toBe('/0')
    expect(server.connections).toBe(1)
  })

  test.each([
    ['the request', { maxRedirects: 3 }, 5],
    ['the setting', { maxRedirects: 20 }, 3],
  ])('end in a failure that is not tried again after as many as %s allows', async (_, parts, maxRedirects) => {
    await using server = await RawHttpServer.start(countdown)
    await using fetch = openTestFetch({ maxRedirects })
    expect((await fetch.request(get(server.url('/3'), parts), never)).status).toBe(200)
    const failure = await failureOf(fetch.request(get(server.url('/4'), parts), never))
    expect(failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', reason: 'redirects', retry: 'never', unsent: false })
  })

  test('in a loop end as well', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(to('/')))
    await using fetch = openTestFetch()
    expect(await failureOf(fetch.request(get(server.url()), never))).toMatchObject({ reason: 'redirects' })
    expect(server.requests).toHaveLength(6)
  })

  test('are the answer themselves with 0, or where they lead nowhere', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(to('http://[')))
    await using fetch = openTestFetch()
    for (const maxRedirects of [0, 5]) {
      const answer = await fetch.request(get(server.url(), { maxRedirects }), never)
      expect(answer.status).toBe(302)
      expect(Buffer.from(answer.body).toString()).toBe('gone')
    }
  })

  test('take their body and their credentials only where they may', async () => {
    await using other = await RawHttpServer.start((socket, { target }) =>
      socket.write(target === '/back' ? to(`http://a.test:${first.port}/end`, 307) : response(200)),
    )
    await using first = await RawHttpServer.start((socket, { target }) =>
      socket.write(target === '/end' ? response(200) : to(`http://b.test:${other.port}/back`, 307)),
    )
    await using fetch = openTestFetch()
    const headers = new Headers({ authorization: 'Bearer 1', 'x-key': 'secret', 'x-other': 'kept', host: 'a.test' })
    await fetch.request(once(first.url('/', 'a.test'), { headers, credentials }), never)
    const seen = [first.requests[0], other.requests[0], first.requests[1]].map((request) => [
      request?.headers.get('host'),
      request?.headers.get('authorization'),
      request?.headers.get('x-key'),
      request?.headers.get('x-other'),
      request?.body.toString(),
    ])
    expect(seen).toEqual([
      [`a.test:${first.port}`, 'Bearer 1', 'secret', 'kept', 'hello'],
      [`b.test:${other.port}`, null, null, 'kept', 'hello'],
      [`a.test:${first.port}`, null, null, 'kept', 'hello'],
    ])
  })

  test.each(['http://10.0.0.1/', 'http://[::1]/', 'file:///etc/passwd', 'http://u:p@a.test/', 'http://2130706434:1/'])(
    'to %s are refused like any request; the first part has left',
    async (location) => {
      await using server = await RawHttpServer.start((socket) => socket.write(to(location, 307)))
      await using fetch = openTestFetch({ allowCidrs: ['127.0.0.1/32'] })
      expect(await failureOf(fetch.request(once(server.url()), never))).toMatchObject({
        code: 'PERMISSION_DENIED',
        retry: 'never',
        unsent: false,
      })
      expect(server.requests).toHaveLength(1)
    },
  )

  test('to where nobody listens may have left', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(to('http://127.0.0.9:1/', 307)))
    await using fetch = openTestFetch()
    expect(await failureOf(fetch.request(once(server.url()), never))).toMatchObject({
      reason: 'refused',
      unsent: false,
    })
  })

  test('whose body has no end are followed without it, and their connection is closed', async () => {
    await using server = await RawHttpServer.start((socket, { target }) => {
      if (target === '/end') return socket.write(response(200))
      return socket.write('HTTP/1.1 302 Found\r\nlocation: /end\r\ncontent-length: 100000\r\n\r\nabc')
    })
    await using fetch = openTestFetch()
    expect((await fetch.request(get(server.url()), never)).status).toBe(200)
    expect(server.connections).toBe(2)
    await eventually(() => server.closedConnections === 1)
  })
})
