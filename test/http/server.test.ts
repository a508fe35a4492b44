import { describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { z } from 'zod'
import { ConfigError } from '../../src/errors.ts'
import { tryAddress } from '../../src/http/listen.ts'
import { allowed, maxBodyBytes, openTestHttp } from './open-test-http.ts'

const json = { ...allowed, 'content-type': 'application/json' }

/** A body whose length is not announced. */
function streamed(text: string): RequestInit {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text))
      controller.close()
    },
  })
  return { method: 'POST', headers: json, body }
}

const problemDocument = z.looseObject({
  type: z.literal('about:blank'),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
})

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const document = problemDocument.parse(await response.json())
  expect(document.status).toBe(response.status)
  return document
}

describe('the server', () => {
  test('answers routes with their checked input, and says how to treat every answer', async () => {
    await using http = await openTestHttp()
    const response = await http.ask('/v1/things/a%20b?wait=5', { method: 'POST', headers: json, body: '{"count":1}' })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ body: { count: 1 }, params: { id: 'a b' }, query: { wait: 5 } })
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('answers what is not there with a problem', async () => {
    await using http = await openTestHttp()
    for (const path of ['/nothing', '/v1/things', '/v1//things/1', '/%76%31/broken', '/V1/broken']) {
      expect((await problemOf(await http.ask(path))).status).toBe(404)
    }
  })

  test('answers a wrong method with the right ones', async () => {
    await using http = await openTestHttp()
    const response = await http.ask('/v1/things/1', { method: 'DELETE' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST, GET, HEAD')
    await problemOf(response)
  })

  test('answers HEAD wherever it answers GET, without a body', async () => {
    await using http = await openTestHttp()
    for (const path of ['/health', '/ready', '/metrics', '/v1/things/1', '/open/x']) {
      const response = await http.ask(path, { method: 'HEAD' })
      expect([path, response.status, await response.text()]).toEqual([path, 200, ''])
    }
  })

  test('names every wrong field and repeats no value', async () => {
    await using http = await openTestHttp()
    const body = JSON.stringify({ count: 'hunter2', label: 7 })
    const problem = await problemOf(await http.ask('/v1/things/1', { method: 'POST', headers: json, body }))
    expect(problem.status).toBe(400)
    expect(problem['errors']).toMatchObject([
      { in: 'body', field: 'count' },
      { in: 'body', field: 'label' },
    ])
    const query = await http.ask('/v1/things/1?wait=hunter2', { method: 'POST', headers: json, body: '{"count":1}' })
    const other = await problemOf(query)
    expect(other['errors']).toMatchObject([{ in: 'query', field: 'wait' }])
    expect(JSON.stringify([problem, other])).not.toContain('hunter2')
  })

  test.each([
    ['no JSON', { headers: json, body: '{"count":hunter2' }, 400],
    ['no UTF-8', { headers: json, body: new Uint8Array([0x22, 0xff, 0x22]) }, 400],
    ['another content type', { headers: { ...allowed, 'content-type': 'text/plain' }, body: '{"count":1}' }, 415],
    ['no content type', { headers: allowed, body: new Uint8Array([0x31]) }, 415],
    ['nothing', { headers: json }, 400],
  ] as const)('refuses a body that is %s', async (_, init, status) => {
    await using http = await openTestHttp()
    const problem = await problemOf(await http.ask('/v1/things/1', { method: 'POST', ...init }))
    expect(problem.status).toBe(status)
    expect(JSON.stringify(problem)).not.toContain('hunter2')
  })

  test('takes bodies up to the limit, and refuses larger ones, announced or not', async () => {
    await using http = await openTestHttp()
    const quoted = (length: number) => JSON.stringify('x'.repeat(length - 2))
    const [fits, large] = [quoted(maxBodyBytes), quoted(maxBodyBytes + 1)]
    const announced = (body: string): RequestInit => ({ method: 'POST', headers: json, body })
    expect((await http.ask('/v1/anything', announced(fits))).status).toBe(200)
    expect((await http.ask('/v1/anything', streamed(fits))).status).toBe(200)
    const huge = quoted(1000 * maxBodyBytes)
    for (const init of [announced(large), streamed(large), announced(huge), streamed(huge)]) {
      expect(await problemOf(await http.ask('/v1/anything', init))).toMatchObject({
        status: 413,
        max_bytes: maxBodyBytes,
      })
    }
    expect((await http.ask('/health')).status).toBe(200)
  })

  test('refuses a body that is nested too deeply', async () => {
    await using http = await openTestHttp({ kind: 'token', token: 'a-token' }, undefined, undefined, 10_000_000)
    const body = '{"a":'.repeat(500_000) + 'x'.repeat(1_000_000)
    const problem = await problemOf(await http.ask('/v1/anything', { method: 'POST', headers: json, body }))
    expect(problem).toMatchObject({ status: 400, detail: 'The body is nested too deeply.' })
  })

  test('turns thrown problems into answers', async () => {
    await using http = await openTestHttp()
    const response = await http.ask('/v1/full')
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await problemOf(response)).toMatchObject({ status: 429, detail: 'There is no room.', queue: 7 })
    expect(http.lines).toEqual([])
  })

  test('gives nothing away when a route breaks, and logs it', async () => {
    await using http = await openTestHttp()
    const problem = await problemOf(await http.ask('/v1/broken'))
    expect(problem.status).toBe(500)
    expect(JSON.stringify(problem)).not.toContain('hunter2')
    expect(http.lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'ERROR', context: { error: { name: 'Error' } } },
    ])
  })

  test('a port that is taken is a wrong setting', async () => {
    await using http = await openTestHttp()
    const { port } = new URL(http.url)
    const options = { host: '127.0.0.1', port: Number(port) }
    const error = await openTestHttp(undefined, undefined, options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).toContain(`HEALTH_BIND: cannot listen on 127.0.0.1:${port}: the port is in use`)
  })

  test('an address that is not of this machine is a wrong setting', () => {
    expect(openTestHttp(undefined, undefined, { host: '192.0.2.1', port: 0 })).rejects.toBeInstanceOf(ConfigError)
  })

  test.each(['nosuchhost.invalid', '192.0.2.1'])('%s cannot be listened on, and the message says so', async (host) => {
    const error = await tryAddress({ host, port: 9999 }).then(() => undefined, String)
    expect(error).toContain(`HEALTH_BIND: cannot listen on ${host}:9999: this machine has no such address`)
  })

  test('an address that is tried is free again', async () => {
    await using http = await openTestHttp()
    const port = Number(new URL(http.url).port)
    expect(tryAddress({ host: '127.0.0.1', port })).rejects.toBeInstanceOf(ConfigError)
    await http[Symbol.asyncDispose]()
    for (let times = 0; times < 3; times++) await tryAddress({ host: '127.0.0.1', port })
  })

  test('when it is closed nobody listens', async () => {
    const http = await openTestHttp()
    expect((await http.ask('/health')).status).toBe(200)
    await http[Symbol.asyncDispose]()
    expect(http.ask('/health')).rejects.toThrow()
  })
})

describe('a request without a usable Host', () => {
  const noHost = 'GET /ready HTTP/1.0\r\n\r\n'
  const odd = ['a b', '', 'a/b?c', '[::1', 'a:b:c'].map((host) => `GET /ready HTTP/1.1\r\nHost: ${host}\r\n\r\n`)

  test.each([noHost, ...odd])('is answered, and logged by nobody: %j', async (text) => {
    await using http = await openTestHttp()
    expect(await exchange(http.url, text)).toStartWith('HTTP/1.1 200 ')
    expect(http.lines).toEqual([])
  })

  test('reaches routes with its query and its body', async () => {
    await using http = await openTestHttp()
    const head = `POST /v1/things/a%20b?wait=5 HTTP/1.0\r\nAuthorization: ${allowed.authorization}`
    const answer = await exchange(
      http.url,
      `${head}\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"count":1}`,
    )
    expect(answer).toEndWith('{"body":{"count":1},"params":{"id":"a b"},"query":{"wait":5}}')
  })

  test('is refused where the Host decides who may come in', async () => {
    await using http = await openTestHttp({ kind: 'loopback-dev' })
    for (const text of [noHost, ...odd]) {
      const answer = await exchange(http.url, text.replace('/ready', '/v1/things/1'))
      expect([text, answer.slice(0, 13)]).toEqual([text, 'HTTP/1.1 403 '])
    }
    expect(http.lines).toEqual([])
  })
})

/** Sends a text over a connection of its own and resolves to the answer as it came. */
async function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.end(text)
  return Buffer.concat(await Array.fromAsync<Buffer>(socket)).toString()
}
