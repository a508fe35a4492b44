/** What a job's output says of what came back. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { turnFor } from '../../../src/handlers/http/response.ts'
import { Turns } from '../../../src/lib/turns.ts'
import type { Answer } from '../../../src/services/fetch/fetch.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type HttpWorld, openHttpWorld, openRawSite, openSite, type Site } from './http-world.ts'

let world: HttpWorld
let site: Site
let next: () => Response

beforeAll(async () => {
  world = await openHttpWorld()
  site = openSite(() => next())
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

function get(payload: Readonly<Record<string, unknown>> = {}) {
  return world.run('http', { url: site.url, ...payload })
}

const bytes = (...list: number[]) => new Uint8Array(list)

describe('a body', () => {
  test.each([
    ['JSON', 'application/json', '{"a":[1,null]}', { a: [1, null] }],
    ['JSON of a kind', 'application/problem+json; charset=utf-8', '{"a":1}', { a: 1 }],
    ['JSON with a byte order mark', 'application/json', '\ufeff{"a":1}', { a: 1 }],
    ['null', 'application/json', 'null', null],
    ['what is no JSON after all', 'application/json', '{"a":', '{"a":'],
    [
      'JSON nested too deeply',
      'application/json',
      '['.repeat(1001) + ']'.repeat(1001),
      expect.stringMatching(/^\[+\]+$/),
    ],
    ['text', 'text/plain', '{"a":1}', '{"a":1}'],
    ['HTML', 'text/html; charset=UTF-8', '<p>ä</p>', '<p>ä</p>'],
    ['XML', 'application/xml', '<a/>', '<a/>'],
    ['XML of a kind', 'image/svg+xml', '<svg/>', '<svg/>'],
    ['a script', 'application/javascript', 'f()', 'f()'],
    ['a form', 'application/x-www-form-urlencoded', 'a=b', 'a=b'],
    ['text in another encoding', 'text/plain; charset="ISO-8859-1"', bytes(0xe4), 'ä'],
    ['text of a type that says nothing', 'application/octet-stream', 'ä\t\r\n', 'ä\t\r\n'],
    ['JSON in another encoding', 'application/json;charset=utf-16le', bytes(0x22, 0, 0x41, 0, 0x22, 0), 'A'],
    ['JSON as some call it', 'application/x-json', '{"a":1}', { a: 1 }],
    ['JSON whose type stands there twice', 'application/json, application/json', '{"a":1}', { a: 1 }],
    ['text whose type stands there twice', 'text/plain;charset=latin1, text/plain', bytes(0xe4), 'ä'],
    ['lines of JSON', 'application/x-ndjson', '{"a":1}\n{"a":2}\n', '{"a":1}\n{"a":2}\n'],
    ['records of JSON', 'application/json-seq', '\x1e{"a":1}\n', '\x1e{"a":1}\n'],
    ['text of a type that nobody knows', 'application/x-own', 'ä', 'ä'],
    ['text of a type that is none', 'nonsense', 'a', 'a'],
    ['text in an encoding that nobody knows', 'text/plain; charset=x-nobody', 'ä', 'ä'],
  ])('%s', async (_, type, body, expected) => {
    next = () => new Response(body, { headers: { 'content-type': type } })
    const output = await get()
    expect(output['body']).toEqual(expected)
    expect(output['body_base64']).toBeUndefined()
  })

  test.each([
    ['image/png', bytes(0, 255, 128), 'AP+A'],
    ['image/png', 'text', 'dGV4dA=='],
    ['application/octet-stream', bytes(0, 1, 2), 'AAEC'],
    ['application/x-own', bytes(0, 1, 2), 'AAEC'],
    ['application/pdf', 'text', 'dGV4dA=='],
    ['application/vnd.google.protobuf', 'text', 'dGV4dA=='],
    ['application/x-tar', 'text', 'dGV4dA=='],
    ['Application/ZIP; a=b', 'text', 'dGV4dA=='],
    ['application/epub+zip', 'text', 'dGV4dA=='],
    ['font/woff2', 'text', 'dGV4dA=='],
    ['application/octet-stream', bytes(0xe4), '5A=='],
  ])('of type %j is bytes', async (type, body, base64) => {
    next = () => new Response(body, { headers: { 'content-type': type } })
    const output = await get()
    expect(output['body_base64']).toBe(base64)
    expect(output).not.toContainKey('body')
  })

  test('without a type is text when it can be', async () => {
    await using bare = openRawSite('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nä {"a":1}')
    expect((await get({ url: bare.url }))['body']).toBe('ä {"a":1}')
  })

  test.each([
    ['GET', 200],
    ['HEAD', 200],
    ['GET', 204],
  ])('that is empty is an empty text: %s %i', async (method, status) => {
    next = () => new Response(status === 204 ? null : '', { status, headers: { 'content-type': 'application/json' } })
    expect(await get({ method })).toMatchObject({ status, body: '' })
  })
})

describe('JSON of very many values', () => {
  const many = `[${'{},'.repeat(150_000)}{}]`
  const answerWith = (body: string, type = 'application/json') => {
    next = () => new Response(body, { headers: { 'content-type': type } })
  }

  test('is not read, whatever its encoding, and not asked for again', async () => {
    const expected = {
      code: 'QUOTA_EXCEEDED',
      retry: 'never',
      unsent: false,
      details: { reason: 'values', limit: 200_000, status: 200 },
    }
    answerWith(many)
    expect(await world.failure('http', { url: site.url })).toMatchObject(expected)
    expect(await world.failure('graphql', { url: site.url, query: '{ a }' })).toMatchObject(expected)
    // Read byte by byte, the sign before the others would begin a string.
    const wide = Buffer.from(`["\u2200",${many}]`, 'utf16le')
    next = () => new Response(wide, { headers: { 'content-type': 'application/json; charset=utf-16le' } })
    expect(await world.failure('http', { url: site.url })).toMatchObject(expected)
  })

  test('is read up to the limit, and as a text of any length', async () => {
    answerWith(`[${'0,'.repeat(199_997)}0]`)
    expect((await get())['body']).toHaveLength(199_998)
    answerWith(many, 'text/plain')
    expect((await get())['body']).toBe(many)
  })

  test('does not hide an error status, and leaves what else there is to tell', async () => {
    next = () => new Response(many, { status: 503, headers: { 'content-type': 'application/json' } })
    for (const type of ['http', 'graphql'] as const) {
      const failure = await world.failure(type, { url: site.url, ...(type === 'graphql' && { query: '{ a }' }) })
      expect(failure).toMatchObject({ code: 'HTTP_ERROR', retry: 'backoff', output: { status: 503, body: many } })
    }
    next = () => new Response(many, { status: 201, headers: { 'content-type': 'application/json', location: '/1' } })
    const created = await world.failure('http', { method: 'POST', url: site.url })
    expect(created).toMatchObject({ code: 'QUOTA_EXCEEDED', output: { headers: { location: '/1' } } })
  })

  test('that nobody wants to see is not looked into', async () => {
    answerWith(many)
    expect(await get({ include_body: false })).toMatchObject({ status: 200 })
  })
})

test('large bodies are read one after another, with room for everything else between them', async () => {
  const clock = new FakeClock()
  const turns = new Turns()
  const signal = new AbortController().signal
  const answer = (length: number): Answer => ({
    status: 200,
    headers: new Headers(),
    url: new URL(site.url),
    body: new Uint8Array(length),
  })
  await turnFor(answer(100_000), turns, { clock, signal })
  const stop = new AbortController()
  const order: string[] = []
  const first = turnFor(answer(100_001), turns, { clock, signal }).then(() => order.push('first'))
  const second = turnFor(answer(100_001), turns, { clock, signal: stop.signal }).catch(() => order.push('stopped'))
  clock.soon(() => order.push('else'))
  expect(order).toEqual([])
  stop.abort(new Error('stop'))
  await clock.advance(1)
  await Promise.all([first, second])
  expect(order).toEqual(['else', 'first', 'stopped'])
})

describe('with include_body: false', () => {
  const hidden = { include_body: false }

  test('the output has no body, whatever it is', async () => {
    for (const [type, body] of [
      ['application/json', '{"a":1}'],
      ['text/plain', 'a'],
      ['image/png', 'a'],
    ]) {
      next = () => new Response(body, { headers: { 'content-type': type ?? '' } })
      const output = await get(hidden)
      expect(output).toMatchObject({ status: 200, headers: { 'content-type': type } })
      expect(output).not.toContainAnyKeys(['body', 'body_base64', 'value'])
    }
  })

  test('an expression still sees it', async () => {
    next = () => Response.json({ items: [1, 2, 3] })
    const output = await get({ ...hidden, transform: { response: 'length(body.items)' } })
    expect(output['value']).toBe(3)
    expect(output).not.toContainKey('body')
  })

  test('an error does not show it either', async () => {
    next = () => Response.json({ a: 'x' }, { status: 404 })
    const wrong = await world.failure('http', { url: site.url, ...hidden })
    expect(wrong.output).toMatchObject({ status: 404 })
    expect(wrong.output).not.toContainKey('body')
    next = () => Response.json({ a: 'x' })
    const failed = await world.failure('http', { url: site.url, ...hidden, transform: { response: 'abs(body.a)' } })
    expect(failed).toMatchObject({ code: 'JMESPATH_RUNTIME_ERROR', output: { status: 200 } })
    expect(failed.output).not.toContainKey('body')
  })
})

test('headers have lower-case names; several cookies are kept apart', async () => {
  const headers = new Headers({ 'X-One': 'a', 'content-type': 'text/plain' })
  headers.append('x-two', 'a')
  headers.append('X-Two', 'b')
  headers.append('set-cookie', 'a=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT')
  headers.append('set-cookie', 'b=2')
  next = () => new Response('', { headers })
  expect((await get())['headers']).toMatchObject({
    'x-one': 'a',
    'x-two': 'a, b',
    'set-cookie': ['a=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT', 'b=2'],
  })
})

test('redirects are followed, as often as the job allows, and the output says where they led', async () => {
  await using chain = openSite(({ path }) => {
    const left = Number(path.slice(1))
    return left === 0 ? new Response('end') : new Response('', { status: 302, headers: { location: `/${left - 1}` } })
  })
  const run = (payload: Readonly<Record<string, unknown>>) =>
    world.run('http', { url: `${chain.url}/3#part`, ...payload })
  expect(await run({})).toMatchObject({ body: 'end', url: `${chain.url}/0` })
  expect(await run({ max_redirects: 3 })).toMatchObject({ body: 'end' })
  expect(await run({ follow_redirects: false })).toMatchObject({ status: 302, url: `${chain.url}/3` })
  const tooMany = await world.failure('http', { url: `${chain.url}/9`, max_redirects: 2 })
  expect(tooMany).toMatchObject({ code: 'HTTP_REQUEST_FAILED', retry: 'never' })
  expect(() => world.prepare('http', { url: chain.url, max_redirects: 6 })).toThrow()
})

describe('a status', () => {
  test.each([
    [undefined, [200, 204, 301], [400, 404, 500]],
    ['any', [200, 404, 500], []],
    ['2xx', [200], [301, 404]],
    [404, [404], [200]],
    [[200, '40x'], [], []],
    [
      [200, '400-404'],
      [200, 404],
      [201, 500],
    ],
  ])('with ok_status %j', async (okStatus, fine, wrong) => {
    const payload = { ok_status: okStatus, follow_redirects: false }
    if (fine.length + wrong.length === 0)
      return expect(() => world.prepare('http', { url: site.url, ...payload })).toThrow()
    for (const status of fine) {
      next = () => new Response(null, { status })
      expect((await get(payload))['status']).toBe(status)
    }
    for (const status of wrong) {
      next = () => Response.json({ why: 'x' }, { status })
      const failure = await world.failure('http', { url: site.url, ...payload })
      expect(failure).toMatchObject({ code: 'HTTP_ERROR', details: { status }, unsent: false })
      expect(failure.output).toMatchObject({ status, status_code: status, body: { why: 'x' }, attempts: 1 })
      expect(failure.message).not.toMatch(/5|timeout|connection|unavailable/i)
    }
  })

  test('is judged by HTTP_OK_STATUS where the job says nothing', async () => {
    await using strict = await openHttpWorld({ env: { HTTP_OK_STATUS: '404' } })
    next = () => new Response('', { status: 404 })
    expect((await strict.run('http', { url: site.url }))['status']).toBe(404)
  })
})

test('the time that a try took is its own', async () => {
  next = () => new Response('x')
  const output = await world.run('http', { url: site.url }, { attempt: 3 })
  expect(output['attempts']).toBe(3)
  expect(output['latency_ms']).toBeWithin(0, 2000)
})

test('a body over the limit ends the job, and so does one that unfolds to more', async () => {
  await using small = await openHttpWorld({ env: { HTTP_MAX_RESPONSE_BYTES: '1KB' } })
  next = () => new Response('x'.repeat(1001))
  expect(await small.failure('http', { url: site.url })).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  const folded = Bun.gzipSync(new Uint8Array(1_000_000))
  next = () => new Response(folded, { headers: { 'content-encoding': 'gzip' } })
  expect(await small.failure('http', { url: site.url })).toMatchObject({ code: 'QUOTA_EXCEEDED' })
})

test('a job ends with its signal, before and after the request has left', async () => {
  const arrived = Promise.withResolvers<void>()
  await using hung = openSite(() => {
    arrived.resolve()
    return new Promise<Response>(() => undefined)
  })
  const early = new AbortController()
  early.abort(new Error('stop'))
  expect(await world.failure('http', { url: hung.url }, { signal: early.signal })).toMatchObject({ unsent: true })
  expect(hung.seen).toEqual([])
  const late = new AbortController()
  const run = world.run('http', { method: 'POST', url: hung.url, body: 'x' }, { signal: late.signal })
  await arrived.promise
  late.abort(new Error('stop'))
  expect(await run.catch((error: unknown) => error)).not.toMatchObject({ unsent: true })
})
