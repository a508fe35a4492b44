import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type HttpWorld, openHttpWorld, openSite, type Site } from '../http/http-world.ts'

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

const query = 'query Q($id: ID!) { thing(id: $id) { name } }'
const fine = { data: { thing: { name: 'x' } } }
const broken = { data: null, errors: [{ message: 'no' }] }
const partial = { data: { thing: null }, errors: [{ message: 'no' }] }

/** What is asked of a tenant of its own, for failures would open the circuit breaker of one that has many. */
function failure(payload: Readonly<Record<string, unknown>> = {}) {
  return world.failure('graphql', { url: site.url, query, ...payload }, { tenantId: `tenant-${site.seen.length}` })
}

test('an operation is posted as JSON, with what belongs to it', async () => {
  next = () => Response.json(fine)
  const payload = { url: `${site.url}/graphql`, query, variables: { id: 7 }, operationName: 'Q', extensions: { a: 1 } }
  expect(await world.run('graphql', payload)).toEqual(fine)
  const last = site.seen.at(-1)
  expect(last).toMatchObject({ method: 'POST', path: '/graphql' })
  expect(JSON.parse(last?.body ?? '')).toEqual({
    query,
    variables: { id: 7 },
    operationName: 'Q',
    extensions: { a: 1 },
  })
  expect(last?.headers.get('content-type')).toBe('application/json')
  expect(last?.headers.get('accept')).toBe('application/graphql-response+json, application/json;q=0.9')
})

test('what is not given is not sent, and the other spelling of a name is known', async () => {
  next = () => Response.json(fine)
  await world.run('graphql', { url: site.url, query, variables: null, operation_name: 'Q', headers: { Accept: 'a/b' } })
  const last = site.seen.at(-1)
  expect(JSON.parse(last?.body ?? '')).toEqual({ query, operationName: 'Q' })
  expect(last?.headers.get('accept')).toBe('a/b')
})

describe('a response', () => {
  test.each([
    ['with data', fine, {}],
    ['with null for data', { data: null }, {}],
    ['with no errors after all', { ...fine, errors: [] }, {}],
    ['with null for errors', { ...fine, errors: null, extensions: { cost: 1 } }, {}],
    ['with errors beside data', partial, {}],
    ['whose own fields are unknown', { ...fine, more: [1] }, { fail_on_errors: true }],
  ])('%s is given back as it came', async (_, response, payload) => {
    next = () => Response.json(response)
    expect(await world.run('graphql', { url: site.url, query, ...payload })).toEqual(response)
  })

  test.each([
    ['with errors and null for data', broken, {}],
    ['with errors alone', { errors: [{ message: 'no' }] }, {}],
    ['with errors beside data, when they are not wanted', partial, { fail_on_errors: true }],
  ])('%s is GRAPHQL_ERRORS', async (_, response, payload) => {
    next = () => Response.json(response)
    const error = await failure(payload)
    expect(error).toMatchObject({ code: 'GRAPHQL_ERRORS', retry: 'never', details: { status: 200, errors: 1 } })
    expect(error.output).toEqual(response)
  })

  test.each([
    ['a page', '<html>'],
    ['nothing', ''],
    ['a list', '[{"data":{}}]'],
    ['a text', '"data"'],
    ['neither data nor errors', '{"message":"hello"}'],
    ['empty errors without data', '{"errors":[]}'],
    ['errors that are no list', '{"errors":"no"}'],
    ['JSON nested too deeply', `{"data":${'['.repeat(1001)}${']'.repeat(1001)}}`],
  ])('that is %s is GRAPHQL_RESPONSE_PARSE_ERROR', async (_, body) => {
    next = () => new Response(body, { headers: { 'content-type': 'application/json' } })
    const error = await failure()
    expect(error).toMatchObject({ code: 'GRAPHQL_RESPONSE_PARSE_ERROR', retry: 'never', details: { status: 200 } })
    expect(error.output).toMatchObject({ status: 200 })
  })

  test.each([400, 401, 403, 422])('with status %i is judged by what it says', async (status) => {
    next = () => Response.json(broken, { status })
    expect(await failure()).toMatchObject({ code: 'GRAPHQL_ERRORS', details: { status }, output: broken })
    next = () => Response.json(partial, { status })
    expect(await world.run('graphql', { url: site.url, query })).toEqual(partial)
  })

  test.each([408, 429, 500, 503])('with status %i is HTTP_ERROR, to be tried again', async (status) => {
    next = () => Response.json(broken, { status, headers: { 'retry-after': '2' } })
    const expected = { code: 'HTTP_ERROR', retry: { afterMs: 2000 }, details: { status }, output: broken }
    expect(await failure()).toMatchObject(expected)
  })

  test.each([
    [404, 'never'],
    [502, 'backoff'],
  ] as const)('with status %i that is none is HTTP_ERROR', async (status, retry) => {
    next = () => new Response('<html>', { status, headers: { 'content-type': 'text/html' } })
    const output = { status, body: '<html>' }
    expect(await failure()).toMatchObject({ code: 'HTTP_ERROR', retry, details: { status }, output })
  })

  test('with a status that the job takes for a success is read as one', async () => {
    next = () => Response.json(fine, { status: 500 })
    expect(await world.run('graphql', { url: site.url, query, ok_status: 'any' })).toEqual(fine)
  })
})

test('a server that cannot be reached is GRAPHQL_REQUEST_FAILED, with all that is known of it', async () => {
  const error = await world.failure('graphql', { url: 'http://127.0.0.1:1/', query })
  expect(error).toMatchObject({ code: 'GRAPHQL_REQUEST_FAILED', retry: 'backoff' })
  expect(error.details?.['reason']).toBeString()
  const mutation = await world.failure('graphql', { url: 'http://127.0.0.1:1/', query: 'mutation { a }' })
  expect(mutation).toMatchObject({ code: 'GRAPHQL_REQUEST_FAILED', retry: 'backoff', unsent: true })
  const forbidden = await world.failure('graphql', { url: 'http://10.0.0.1/', query })
  expect(forbidden).toMatchObject({ code: 'PERMISSION_DENIED', unsent: true })
})

describe('the effect', () => {
  test.each([
    ['{ a }', undefined, 'none'],
    ['query { a }', undefined, 'none'],
    ['fragment F on T { a } query Q { ...F }', undefined, 'none'],
    ['mutation M { a }', undefined, 'once'],
    ['subscription { a }', undefined, 'once'],
    ['query Q { a } mutation M { a }', 'Q', 'none'],
    ['query Q { a } mutation M { a }', 'M', 'once'],
    ['query Q { a } mutation M { a }', undefined, 'once'],
    ['query Q { a }', 'M', 'once'],
    ['fragment F on T { a }', undefined, 'once'],
    ['this is nothing', undefined, 'once'],
    ['# { a }\nmutation { a }', undefined, 'once'],
    ['query { a(b: "mutation { c }") }', undefined, 'none'],
  ])('of %s, %s is %s', (document, operationName, effect) => {
    const payload = { url: site.url, query: document, operationName }
    expect(world.prepare('graphql', payload).effect).toBe(effect as never)
    const keyed = world.prepare('graphql', { ...payload, idempotency_key: true }).effect
    expect(keyed).toBe(effect === 'once' ? 'idempotent' : 'none')
  })

  test('of what is too long to be read at once is taken for the worst; what is deep is read', () => {
    const effectOf = (document: string) => world.prepare('graphql', { url: site.url, query: document }).effect
    expect(effectOf(`{ ${'a '.repeat(20_000)} }`)).toBe('once')
    expect(effectOf(`{ a } #${'a'.repeat(250_000)}`)).toBe('once')
    expect(effectOf(`{ a } #${'a'.repeat(249_000)}`)).toBe('none')
    expect(effectOf(`${'{a'.repeat(3000)}${'}'.repeat(3000)}`)).toBe('none')
  })
})

test.each([
  { query: '' },
  { query: 7 },
  { variables: [] },
  { variables: 'x' },
  { operationName: 7 },
  { operationName: 'A', operation_name: 'B' },
  { fail_on_errors: 'yes' },
  { headers: { host: 'elsewhere' } },
  { method: 'POST' },
  { body: {} },
  { transform: { response: 'data' } },
  { include_body: false },
])('%j is no input', (payload) => {
  expect(() => world.prepare('graphql', { url: site.url, query, ...payload })).toThrow('not what this job type takes')
})

test('what only HTTP jobs have is refused by its name, unless it is null', () => {
  const refused = () => world.prepare('graphql', { url: site.url, query, method: 'GET', transform: {} })
  const problem = 'Not a field of GraphQL jobs, which post their query as JSON'
  const fields = ['method', 'transform'].map((field) => ({ field, problem }))
  expect(refused).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', details: { fields } }))
  expect(world.prepare('graphql', { url: site.url, query, method: null, body: null }).effect).toBe('none')
})
