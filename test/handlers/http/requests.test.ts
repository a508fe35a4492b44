/** What leaves for what a job says. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import manifest from '../../../package.json' with { type: 'json' }
import { httpMethods } from '../../../src/lib/http-method.ts'
import { type Arrived, type HttpWorld, openHttpWorld, openSite, type Site } from './http-world.ts'

let world: HttpWorld
let site: Site

beforeAll(async () => {
  world = await openHttpWorld()
  site = openSite()
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

/** What the site saw of a job. */
async function sent(payload: Readonly<Record<string, unknown>>): Promise<Arrived> {
  await world.run('http', { url: site.url, ...payload })
  const last = site.seen.at(-1)
  if (last === undefined) throw new Error('nothing arrived')
  return last
}

/** The fields that a payload is refused for. */
function faults(payload: Readonly<Record<string, unknown>>): unknown {
  try {
    world.prepare('http', { url: site.url, ...payload })
  } catch (error) {
    const { code, details } = error as {
      readonly code: string
      readonly details: { readonly fields: readonly { readonly field: string }[] }
    }
    return [code, ...details.fields.map(({ field }) => field)]
  }
  return undefined
}

test('the job that earlier clients send gets the answer that they expect', async () => {
  const output = await world.run('http', { method: 'POST', url: `${site.url}/`, body: 'hello_http' })
  expect(output).toMatchObject({ status: 200, status_code: 200, body: 'hello_http', url: `${site.url}/`, attempts: 1 })
  expect(output['latency_ms']).toBeInteger()
})

test.each([...httpMethods])('%s is sent as it is, in lower case too', async (method) => {
  expect((await sent({ method })).method).toBe(method)
  expect((await sent({ method: method.toLowerCase() })).method).toBe(method)
})

test.each(['CONNECT', 'TRACE', 'NONSENSE', '', 'GET '])('%j is no method', (method) => {
  expect(faults({ method })).toEqual(['INVALID_INPUT', 'method'])
})

test('says who it is, unless the job does', async () => {
  expect((await sent({})).headers.get('user-agent')).toBe(`beamline/${manifest.version}`)
  expect((await sent({ headers: { 'User-Agent': 'mine/1' } })).headers.get('user-agent')).toBe('mine/1')
})

describe('headers', () => {
  test('are texts, numbers and booleans; null leaves one out', async () => {
    const { headers } = await sent({ headers: { 'X-Text': 'ä text', 'x-number': 1.5, 'x-true': true, 'x-null': null } })
    expect(headers.get('x-text')).toBe('ä text')
    expect(headers.get('x-number')).toBe('1.5')
    expect(headers.get('x-true')).toBe('true')
    expect(headers.has('x-null')).toBe(false)
  })

  test.each([
    ...['content-length', 'Transfer-Encoding', 'connection', 'keep-alive', 'proxy-authorization', 'Upgrade'],
    ...['te', 'trailer', 'expect', 'Host', 'no header', '', 'ä'],
  ])('%j may not be set', (name) => {
    expect(faults({ headers: { [name]: 'x' } })).toEqual(['INVALID_INPUT', `headers.${name}`])
  })

  test.each(['a\r\nx-more: 1', 'a\nb', 'nul\0', 'Ω'])('cannot hold %j', (value) => {
    expect(faults({ headers: { 'x-a': value } })).toEqual(['INVALID_INPUT', 'headers.x-a'])
  })

  test('may repeat the host of the URL, and nothing may stand there twice', async () => {
    expect((await sent({ headers: { Host: site.host } })).headers.get('host')).toBe(site.host)
    expect(faults({ headers: { 'x-a': '1', 'X-A': '2' } })).toEqual(['INVALID_INPUT', 'headers.X-A'])
    const auth = { type: 'bearer', token: 'abc' }
    expect(faults({ auth, headers: { Authorization: 'x' } })).toEqual(['INVALID_INPUT', 'headers.Authorization'])
  })
})

describe('the URL', () => {
  test('gets the query behind the one that it has, which is left as it is written', async () => {
    const query = { q: 'a b&c', list: [1, 'zwei', true], none: null, lone: '\ud800' }
    const { path, search } = await sent({ url: `${site.url}/p%20q?signed=a%2Fb+c&flag#part`, query })
    expect(path).toBe('/p%20q')
    expect(search).toBe('?signed=a%2Fb+c&flag&q=a%20b%26c&list=1&list=zwei&list=true&lone=%EF%BF%BD')
    expect((await sent({ query: { a: 1 } })).search).toBe('?a=1')
  })

  test.each(['', 'nonsense', '/path', 'http://', 'http://a b/'])('is not %j', (url) => {
    expect(faults({ url })).toEqual(['INVALID_INPUT', 'url'])
  })

  test.each(['ftp://example.com/', 'file:///etc/passwd', 'http://name:word@example.com/', 'http://10.0.0.1/'])(
    'may be refused by policy: %s',
    async (url) => {
      expect(await world.failure('http', { url })).toMatchObject({ code: 'PERMISSION_DENIED', unsent: true })
    },
  )
})

describe('the body', () => {
  test.each([
    ['a text', { body: '{"a":1}' }, '{"a":1}', 'text/plain;charset=UTF-8'],
    ['an empty text', { body: '' }, '', 'text/plain;charset=UTF-8'],
    ['JSON', { body: { a: [1, null, 'ä'] } }, '{"a":[1,null,"ä"]}', 'application/json'],
    ['a number', { body: 0 }, '0', 'application/json'],
    ['bytes', { body_base64: 'aGk=' }, 'hi', 'application/octet-stream'],
    [
      'a form',
      { form: { a: 'x y&z', b: [1, true], c: null } },
      'a=x+y%26z&b=1&b=true',
      'application/x-www-form-urlencoded',
    ],
  ])('%s', async (_, payload, body, type) => {
    const arrived = await sent({ method: 'POST', ...payload })
    expect(arrived.body).toBe(body)
    expect(arrived.headers.get('content-type')).toBe(type)
    expect(arrived.headers.get('content-length')).toBe(String(Buffer.byteLength(body)))
  })

  test('has the type that the job says', async () => {
    const headers = { 'Content-Type': 'application/xml' }
    expect((await sent({ method: 'PUT', body: '<a/>', headers })).headers.get('content-type')).toBe('application/xml')
  })

  test('is absent when it is null', async () => {
    const arrived = await sent({ method: 'POST', body: null })
    expect([arrived.body, arrived.headers.has('content-type')]).toEqual(['', false])
  })

  test('is absent from a GET for which it is empty', async () => {
    const arrived = await sent({ body: '' })
    expect([arrived.body, arrived.headers.has('content-type')]).toEqual(['', false])
  })

  test('in parts is what other programs read as such', async () => {
    await using reader = openSite(async ({ body, headers }) => {
      const type = headers.get('content-type') ?? ''
      // oxlint-disable-next-line typescript/no-deprecated -- what is read here comes from this test itself
      const form = await new Response(body, { headers: { 'content-type': type } }).formData()
      const parts = await Promise.all(
        [...form].map(async ([name, value]) =>
          typeof value === 'string' ? [name, value] : [name, value.name, await value.text()],
        ),
      )
      return Response.json(parts)
    })
    const multipart = [
      { name: 'text', value: 'line\r\nline' },
      { name: 'count', value: 3 },
      { name: 'file', content_base64: 'aGk=', filename: 'a.bin' },
      { name: 'notes', content: 'ä', filename: 'notes', content_type: 'text/markdown' },
    ]
    const answer = await world.run('http', { method: 'POST', url: reader.url, multipart })
    expect(answer['body']).toEqual([
      ['text', 'line\r\nline'],
      ['count', '3'],
      ['file', 'a.bin', 'hi'],
      ['notes', 'notes', 'ä'],
    ])
    const raw = reader.seen[0]?.body ?? ''
    expect(raw).toContain('filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\nhi\r\n--')
    expect(raw).toContain('filename="notes"\r\nContent-Type: text/markdown\r\n\r\nä\r\n--')
    expect(raw).toContain('form-data; name="count"\r\n\r\n3\r\n--')
    const short = { a: 'x', b: { content: 'y', filename: 'y.txt' }, c: 1.5, d: false, e: null }
    const other = await world.run('http', { method: 'POST', url: reader.url, multipart: short })
    expect(other['body']).toEqual([
      ['a', 'x'],
      ['b', 'y.txt', 'y'],
      ['c', '1.5'],
      ['d', 'false'],
    ])
  })

  test('in parts cannot be broken out of', async () => {
    const { body } = await sent({ method: 'POST', multipart: [{ name: 'a"\r\nx: y', value: 'v' }] })
    expect(body).toContain('name="a%22%0D%0Ax: y"')
  })

  test.each([
    [{ body: 'a', form: {} }, 'form'],
    [{ form: {}, body_base64: '' }, 'body_base64'],
    [{ body: 'a', transform: { request: 'input' } }, 'transform.request'],
    [{ method: 'GET', body: 'a' }, 'body'],
    [{ method: 'head', transform: { request: 'input' } }, 'transform.request'],
    [{ multipart: [{ name: 'a' }] }, 'multipart.0'],
    [{ multipart: [], headers: { 'content-type': 'multipart/form-data' } }, 'headers.content-type'],
  ])('%j is refused', (payload, field) => {
    expect(faults({ method: 'POST', ...payload })).toEqual(['INVALID_INPUT', field])
  })

  test.each(['aGk', 'aG k', 'a===', 'ä', 'aGl='])('%j is not base64', async (text) => {
    if (text === 'aG k') return expect((await sent({ method: 'POST', body_base64: 'aG k=' })).body).toBe('hi')
    const failure = await world.failure('http', { method: 'POST', url: site.url, body_base64: text })
    expect(failure).toMatchObject({ code: 'BASE64_DECODE_ERROR', details: { field: 'body_base64' } })
  })
})

describe('an Idempotency-Key', () => {
  const keyOf = async (assignmentId: string, tenantId: string) => {
    await world.run('http', { method: 'POST', url: site.url, idempotency_key: true }, { assignmentId, tenantId })
    return site.seen.at(-1)?.headers.get('idempotency-key') ?? ''
  }

  test('made from the assignment is the same for every try, and another for every other', async () => {
    const key = await keyOf('assignment-1', 'tenant-1')
    expect(key).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(await keyOf('assignment-1', 'tenant-1')).toBe(key)
    expect(await keyOf('assignment-2', 'tenant-1')).not.toBe(key)
    expect(await keyOf('assignment-1', 'tenant-2')).not.toBe(key)
    expect(await keyOf('1tenant-1', 'assignment-')).not.toBe(key)
  })

  test('of the caller is sent as it is', async () => {
    const headers = (await sent({ method: 'POST', idempotency_key: 'mine' })).headers
    expect(headers.get('idempotency-key')).toBe('mine')
    expect((await sent({ method: 'POST', idempotency_key: false })).headers.has('idempotency-key')).toBe(false)
    expect(faults({ idempotency_key: 'a\nb' })).toEqual(['INVALID_INPUT', 'idempotency_key'])
  })
})

describe('the effect', () => {
  const effectOf = (payload: Readonly<Record<string, unknown>>) =>
    world.prepare('http', { url: site.url, ...payload }).effect

  test.each([
    ...['GET', 'head', 'OPTIONS', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH'].map((method) => [method, 'none'] as const),
    ...['PUT', 'delete', 'MKCOL', 'MOVE', 'PROPPATCH'].map((method) => [method, 'idempotent'] as const),
    ...['POST', 'patch', 'LOCK', 'MERGE', 'PURGE'].map((method) => [method, 'once'] as const),
  ])('of %s is %s', (method, effect) => {
    expect(effectOf({ method })).toBe(effect)
  })

  test('is idempotent with a key, whoever made it', () => {
    expect(effectOf({ method: 'POST', idempotency_key: true })).toBe('idempotent')
    expect(effectOf({ method: 'POST', headers: { 'Idempotency-Key': 'x' } })).toBe('idempotent')
    expect(effectOf({ method: 'POST', headers: { 'Idempotency-Key': null } })).toBe('once')
    expect(effectOf({ method: 'POST', idempotency_key: false })).toBe('once')
  })
})
