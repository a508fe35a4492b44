/** What a caller is told of an input that is not as it should be. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type HttpWorld, openHttpWorld, openSite, type Site } from './http-world.ts'

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

test('null in a field of a field means that it is absent, too', async () => {
  const retry = { strategy: null, max_attempts: 2, on_status: null, jitter: null }
  const { policy } = world.prepare('http', { url: site.url, retry })
  expect(policy.maxAttempts).toBe(2)
  const auth = { type: 'api_key', name: 'X-Key', value: 'v', in: null }
  const transform = { request: null, response: null }
  const multipart = [{ name: 'a', value: 'x', content: null, content_base64: null, filename: null, content_type: null }]
  await world.run('http', { method: 'POST', url: site.url, auth, transform, multipart, query: null })
  const arrived = site.seen.at(-1)
  expect(arrived?.headers.get('x-key')).toBe('v')
  expect(arrived?.body).toContain('form-data; name="a"\r\n\r\nx\r\n')
})

test.each<[string, Readonly<Record<string, unknown>>, string]>([
  ['url', { url: null }, 'url'],
  ['auth.token', { auth: { type: 'bearer', token: null } }, 'auth.token'],
  ['auth.type', { auth: {} }, 'auth.type'],
  ['the name of a part', { multipart: [{ name: null, value: 'x' }] }, 'multipart.0.name'],
])('what is required and null is missing: %s', (_, payload, field) => {
  const refused = () => world.prepare('http', { url: site.url, method: 'POST', ...payload })
  const details = { fields: [expect.objectContaining({ field })] }
  expect(refused).toThrow(expect.objectContaining({ code: 'MISSING_REQUIRED_FIELD', details }))
})

describe('a problem names its place, and what would do', () => {
  const told = (payload: Readonly<Record<string, unknown>>): unknown => {
    try {
      return world.prepare('http', { url: site.url, method: 'POST', ...payload })
    } catch (error) {
      const { details } = error as {
        readonly details: { readonly fields: readonly { field: string; problem: string }[] }
      }
      return details.fields.map(({ field, problem }) => `${field}: ${problem}`)
    }
  }
  const ofPart = 'A part has one of value, content and content_base64'
  const ofField = 'Not a text, number, boolean, null or a list of them'

  test.each<[Readonly<Record<string, unknown>>, readonly string[]]>([
    [{ multipart: 7 }, ['multipart: Not a list or object of parts']],
    [{ multipart: [{ name: 'a', value: 1 }, { name: 'b' }] }, [`multipart.1: ${ofPart}`]],
    [{ multipart: { a: 1, b: { value: 'x', content: 'y' } } }, [`multipart.b: ${ofPart}`]],
    [{ multipart: { a: [] } }, ['multipart.a: Not a text, number, boolean or part']],
    [{ multipart: ['a'] }, ['multipart.0: Not a part']],
    [{ multipart: { a: { valu: 'x', content: 'y' } } }, ['multipart.a: Unrecognized key: "valu"']],
    [{ multipart: { a: { value: {} } } }, ['multipart.a.value: Not a text, number or boolean']],
    [{ multipart: [{ name: 'a', value: 1, content_type: 'b' }] }, ['multipart.0.content_type: Not a content type']],
    [{ form: { a: 1, b: {} } }, [`form.b: ${ofField}`]],
    [{ query: { a: [1, [2]] } }, [`query.a: ${ofField}`]],
    [
      { auth: { type: 'magic' } },
      [`auth.type: ${'Not an object whose type is bearer, basic, api_key or oauth2_client_credentials'}`],
    ],
    [{ auth: { type: 'bearer', token: 7 } }, ['auth.token: Not a text or {"secret":"NAME"}']],
    [{ headers: { a: [] } }, ['headers.a: Not a text, number, boolean, {"secret":"NAME"} or null']],
    [{ headers: { 'a b': 'c' } }, ['headers.a b: Not a name that a header can have']],
    [{ headers: { Host: 'c' } }, ['headers.Host: May not be set: it follows from the request itself']],
    [{ headers: { a: 'b', A: 'c' } }, ['headers.A: Stands there twice']],
    [
      { headers: { authorization: 'b' }, auth: { type: 'bearer', token: 'c' } },
      ['headers.authorization: May not be set: auth sets it'],
    ],
    [{ ok_status: 'fine' }, ['ok_status: Not statuses, such as 2xx, 404, 400-403, any, or a list of them']],
    [{ retry: { jitter: 2 } }, ['retry.jitter: Too big: expected number to be <=1']],
    [{ idempotency_key: 7 }, ['idempotency_key: Not true, false or a text']],
    [{ idempotency_key: '' }, ['idempotency_key: An empty text is no key']],
    [{ method: 'GET', body: 'a' }, ['body: A request with this method cannot have a body']],
  ])('%j', (payload, expected) => {
    expect(told(payload)).toEqual(expected)
  })

  test('also when a part turns out not to be base64', async () => {
    const failure = await world.failure('http', {
      method: 'POST',
      url: site.url,
      multipart: { a: { content_base64: '?' } },
    })
    expect(failure).toMatchObject({ code: 'BASE64_DECODE_ERROR', details: { field: 'multipart.a.content_base64' } })
  })

  test('and of very many wrong parts only the first are looked at', () => {
    expect(told({ multipart: Array.from({ length: 1000 }, () => 7) })).toHaveLength(20)
  })
})
