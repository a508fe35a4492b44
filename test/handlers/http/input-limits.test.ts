/** No input that fits a message keeps the event loop for long, and what is too large is named. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { processorMs } from '../../support/processor-time.ts'
import { type HttpWorld, openHttpWorld } from './http-world.ts'

type Wire = Readonly<Record<string, unknown>>

let world: HttpWorld

beforeAll(async () => {
  world = await openHttpWorld()
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const url = 'http://127.0.0.1/'
const ofHttp = { url, method: 'POST' }
const ofGraphql = { url, query: '{ a }' }

/** Everything that is wrong with a payload: field and problem. */
function problems(type: 'http' | 'graphql', payload: Wire): readonly string[] {
  try {
    world.prepare(type, { ...(type === 'http' ? ofHttp : ofGraphql), ...payload })
    return []
  } catch (error) {
    const { code, details } = error as {
      readonly code: string
      readonly details: { readonly fields: readonly { readonly field: string; readonly problem: string }[] }
    }
    expect(code).toBe('INVALID_INPUT')
    return details.fields.map(({ field, problem }) => `${field}: ${problem}`)
  }
}

function list<T>(length: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length }, (_, index) => make(index))
}

function record(length: number, make: (index: number) => unknown): Wire {
  return Object.fromEntries(list(length, (index) => [`x-${index}`, make(index)]))
}

describe('there are at most', () => {
  test.each<[string, 'http' | 'graphql', (count: number) => Wire, number, string]>([
    ['headers', 'http', (count) => ({ headers: record(count, () => 'v') }), 200, 'headers: At most 200 headers'],
    ['values of a query', 'http', (n) => ({ query: { a: list(n, () => 1) } }), 1000, 'query: At most 1000 values'],
    ['names in a query', 'http', (count) => ({ query: record(count, () => []) }), 1000, 'query: At most 1000 values'],
    ['fields of a form', 'http', (n) => ({ form: record(n, () => 1) }), 10_000, 'form: At most 10000 values'],
    [
      'parts',
      'http',
      (n) => ({ multipart: list(n, () => ({ name: 'a', value: 1 })) }),
      1000,
      'multipart: At most 1000 parts',
    ],
    ['named parts', 'http', (n) => ({ multipart: record(n, () => 1) }), 1000, 'multipart: At most 1000 parts'],
    ['statuses', 'http', (n) => ({ ok_status: list(n, () => 200) }), 100, 'ok_status: At most 100 statuses'],
    [
      'statuses to try again',
      'http',
      (n) => ({ retry: { on_status: list(n, () => 500) } }),
      100,
      'retry.on_status: At most 100 statuses',
    ],
    [
      'statuses in a text',
      'http',
      (n) => ({ ok_status: list(n, () => 200).join() }),
      100,
      'ok_status: At most 100 statuses',
    ],
    ['fields', 'http', (n) => record(n - 2, () => 1), 1000, ': At most 1000 fields'],
    ['variables', 'graphql', (n) => ({ variables: record(n, () => 1) }), 10_000, 'variables: At most 10000 variables'],
  ])('%s', (_, type, make, most, problem) => {
    expect(problems(type, make(most))).toEqual([])
    expect(problems(type, make(most + 1))).toEqual([problem])
  })

  test.each<[string, 'http' | 'graphql', (count: number) => Wire, number, string]>([
    ['of a URL', 'http', (n) => ({ url: `http://a/${'a'.repeat(n - 9)}` }), 8192, 'url'],
    ['of a header', 'http', (n) => ({ headers: { 'x-a': 'v'.repeat(n) } }), 16_384, 'headers.x-a'],
    ['of the name of a header', 'http', (n) => ({ headers: { ['x'.repeat(n)]: 'v' } }), 256, 'headers.xxx'],
    [
      'of all headers',
      'http',
      (n) => ({ headers: { 'x-long': 'v'.repeat(n - 64_018), ...record(4, () => 'v'.repeat(16_000)) } }),
      65_536,
      'headers',
    ],
    ['of a token', 'http', (n) => ({ auth: { type: 'bearer', token: 't'.repeat(n) } }), 16_384, 'auth.token'],
    ['of a key', 'http', (n) => ({ idempotency_key: 'k'.repeat(n) }), 16_384, 'idempotency_key'],
    [
      'of the name of a key',
      'http',
      (n) => ({ auth: { type: 'api_key', name: 'n'.repeat(n), value: 'v' } }),
      256,
      'auth.name',
    ],
    [
      'of a token URL',
      'http',
      (n) => ({ auth: { ...oauth, token_url: `http://a/${'a'.repeat(n - 9)}` } }),
      8192,
      'auth.token_url',
    ],
    ['of a document', 'graphql', (n) => ({ query: `#${'a'.repeat(n - 4)}\n{a` }), 1_000_000, 'query'],
    ['of the name of an operation', 'graphql', (n) => ({ operationName: 'n'.repeat(n) }), 1000, 'operationName'],
  ])('so many characters %s', (_, type, make, most, field) => {
    expect(problems(type, make(most))).toEqual([])
    const [first, ...others] = problems(type, make(most + 1))
    expect([first?.startsWith(field), others]).toEqual([true, []])
    expect(first).toMatch(/: At most \d+ characters( together)?$/)
  })
})

const oauth = { type: 'oauth2_client_credentials', client_id: 'a', client_secret: 'b' }

test('a URL that its query makes too long is not sent', async () => {
  const query = { a: 'a'.repeat(65_536 - 20), b: 'b' }
  expect(await world.failure('http', { url, query })).toMatchObject({
    code: 'INVALID_INPUT',
    unsent: true,
    details: { fields: [{ field: 'query', problem: 'The URL with its query is longer than 65536 characters' }] },
  })
})

test('what is said of an input is short, whatever its fields are called', () => {
  const [first = ''] = problems('http', { headers: { [`${'x'.repeat(100_000)} y`]: 'v' } })
  expect(first.length).toBeLessThan(600)
  const [unknown = ''] = problems('http', { retry: record(50_000, () => 1) })
  expect(unknown.length).toBeLessThan(600)
})

/** Each about one megabyte, the most that a message holds. */
const largest: Readonly<Record<string, Wire>> = {
  headers: { headers: record(60_000, () => 'v') },
  'names that are none': { headers: Object.fromEntries(list(40_000, (index) => [`bad header ${index}`, 'v'])) },
  'headers of the wrong kind': { headers: record(90_000, () => []) },
  'a long header': { headers: { x: 'v'.repeat(1_000_000) } },
  'a long host': { url: `http://${'ü'.repeat(500_000)}/` },
  'a long path': { url: `http://a/${'../'.repeat(330_000)}` },
  query: { query: { a: list(480_000, () => 1) } },
  'a query of the wrong kind': { query: { a: list(330_000, () => ({})) } },
  'a full form': { form: record(10_000, () => 'v') },
  form: { form: { a: list(480_000, () => 1) } },
  'a form of the wrong kind': { form: record(10_000, () => ({ a: 1 })) },
  'a form with lists of the wrong kind': { form: record(100, () => list(100, () => ({}))) },
  'a form of nothing': { form: record(80_000, () => []) },
  'empty parts': { multipart: list(330_000, () => ({})) },
  'parts of the wrong kind': { multipart: list(1000, () => ({ name: 7, a: 1, value: [], content_type: 'zz' })) },
  'one part': { multipart: [record(80_000, () => 1)] },
  'named parts': { multipart: record(80_000, () => []) },
  statuses: { ok_status: list(250_000, () => 200) },
  'statuses of the wrong kind': { ok_status: list(250_000, () => null) },
  'statuses as text': { ok_status: '200,'.repeat(250_000) },
  'statuses to try again': { retry: { on_status: list(250_000, () => 200) } },
  'retry of the wrong kind': { retry: record(80_000, () => 1) },
  'auth of the wrong kind': { auth: { type: 'bearer', token: { secret: 'a', ...record(80_000, () => 1) } } },
  'a token URL': { auth: { ...oauth, token_url: `http://${'ü'.repeat(500_000)}` } },
  fields: record(80_000, () => 1),
  'fields of nothing': record(80_000, () => null),
  'a body': { body: list(330_000, () => []) },
  expression: { transform: { response: 'a||'.repeat(330_000) } },
}

test.each(Object.entries(largest))('%s of a megabyte are looked at within the time of a few jobs', (_, payload) => {
  expect(lookMs('http', { ...ofHttp, ...payload })).toBeLessThan(50)
})

test.each<[string, Wire]>([
  ['variables', { variables: record(80_000, () => 1) }],
  ['extensions', { extensions: record(80_000, () => 1) }],
  ['a document', { query: 'a '.repeat(500_000) }],
  ['a document of one text', { query: `{ a(b: """${'\n'.repeat(249_000)}""") }` }],
  ['a document of comments', { query: `{ a } ${'#\n'.repeat(124_000)}` }],
  ['fields', record(80_000, () => 1)],
])('%s of a GraphQL job too', (_, payload) => {
  expect(lookMs('graphql', { ...ofGraphql, ...payload })).toBeLessThan(50)
})

/** How long it takes to check an input and to say its effect: the shortest of three, as other processes take their share. */
function lookMs(type: 'http' | 'graphql', payload: Wire): number {
  const handler = world.handlers.find((each) => each.type === type)
  if (handler === undefined) throw new Error(`no ${type}`)
  const times = list(3, () =>
    processorMs(() => {
      const { success, data } = handler.input.safeParse(payload)
      if (success) handler.effect(data)
    }),
  )
  return Math.min(...times)
}
