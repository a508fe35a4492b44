import { describe, expect, test } from 'bun:test'
import { authorize } from '../../src/http/access.ts'
import { HttpProblem } from '../../src/http/problem.ts'
import { openTestHttp } from './open-test-http.ts'

describe('with a token', () => {
  test('nobody else gets in, and learns why', async () => {
    await using http = await openTestHttp({ kind: 'token', token: 'right' })
    const ask = async (authorization?: string) => {
      const response = await fetch(`${http.url}/v1/things/1`, {
        headers: authorization === undefined ? {} : { authorization },
      })
      return [response.status, response.headers.get('www-authenticate')]
    }
    expect(await ask()).toEqual([401, 'Bearer'])
    for (const wrong of ['right', 'Bearer', 'Bearer wrong', 'Bearer rightx', 'Bearer right x', 'Basic right']) {
      expect([wrong, ...(await ask(wrong))]).toEqual([wrong, 401, 'Bearer'])
    }
    expect(await ask('Bearer right')).toEqual([200, null])
    expect(await ask('bearer right')).toEqual([200, null])
  })

  test('without one the API is closed, and says so', async () => {
    await using http = await openTestHttp({ kind: 'token', token: undefined })
    const response = await fetch(`${http.url}/v1/things/1`, { headers: { authorization: 'Bearer undefined' } })
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ detail: 'The API is closed: API_TOKEN is not set.' })
  })

  test('guards every route that does not say otherwise, the reference included', async () => {
    await using http = await openTestHttp()
    const status = async (path: string) => (await fetch(http.url + path)).status
    for (const path of [
      '/openapi',
      '/openapi/json',
      '/v1/broken',
      '/v1/things/1/',
      '//v1/broken',
      '/health/../v1/full',
    ]) {
      expect([path, await status(path)]).toEqual([path, 401])
    }
    expect(await status('/open/world')).toBe(200)
  })

  test('the body of a stranger is not read', async () => {
    await using http = await openTestHttp()
    const response = await fetch(`${http.url}/v1/anything`, { method: 'POST', body: 'x'.repeat(2000) })
    expect(response.status).toBe(401)
  })
})

describe('in dev mode', () => {
  const local = '127.0.0.1'
  const status = (peer: string | undefined, headers: Record<string, string>, method = 'GET'): number => {
    try {
      authorize(new Request('http://unused/v1/jobs', { method, headers }), { kind: 'loopback-dev' }, peer)
      return 200
    } catch (error) {
      if (error instanceof HttpProblem) return error.status
      throw error
    }
  }

  test.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])('lets %s in', (peer) => {
    expect(status(peer, { host: 'localhost:9091' })).toBe(200)
  })

  test.each([undefined, '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '128.0.0.1'])('refuses %p', (peer) => {
    expect(status(peer, { host: 'localhost:9091' })).toBe(403)
  })

  test.each([
    ['localhost', 200],
    ['127.0.0.1:9091', 200],
    ['[::1]:9091', 200],
    ['', 403],
    ['evil.example.com', 403],
    ['localhost.evil.example.com', 403],
    ['127.0.0.1.evil.example.com', 403],
    ['192.168.0.1:9091', 403],
  ])('a request to the host %p is %p', (host, expected) => {
    expect(status(local, { host })).toBe(expected)
  })

  test('refuses other web pages', () => {
    const host = 'localhost:9091'
    expect(status(local, { host, origin: 'http://localhost:9091' })).toBe(200)
    for (const origin of ['http://evil.example.com', 'http://localhost:8080', 'https://localhost:9091', 'null']) {
      expect([origin, status(local, { host, origin })]).toEqual([origin, 403])
    }
    expect(status(local, { host, 'sec-fetch-site': 'cross-site' })).toBe(403)
  })

  test.each([
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['application/cloudevents+json', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['text/plain; application/json', 415],
    ['application/jsonp', 415],
  ])('a write with content type %p is %p', (type, expected) => {
    expect(status(local, { host: 'localhost', 'content-type': type }, 'POST')).toBe(expected)
  })

  test('works over a socket', async () => {
    await using http = await openTestHttp({ kind: 'loopback-dev' })
    expect((await fetch(`${http.url}/v1/things/1`)).status).toBe(200)
    expect((await fetch(`${http.url}/v1/things/1`, { headers: { origin: 'http://evil.example.com' } })).status).toBe(
      403,
    )
  })
})
