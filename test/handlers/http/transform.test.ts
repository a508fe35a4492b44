import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type HttpWorld, openHttpWorld, openSite, type Site } from './http-world.ts'

const token = 'tok-4f9a1b7c3d'
let world: HttpWorld
let site: Site

beforeAll(async () => {
  site = openSite(({ body, headers, path }) => {
    const answer = { sent: body, authorization: headers.get('authorization'), items: [{ n: 1 }, { n: 2 }] }
    return Response.json(answer, { status: path === '/missing' ? 404 : 200 })
  })
  world = await openHttpWorld({ env: { SECRET_TOKEN: token, SECRET_TOKEN_HOSTS: '*' } })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

test.each([
  ['input.order', '{"id":7}', 'application/json'],
  [
    '{id: input.order.id, method: input.method, none: input.nothing}',
    '{"id":7,"method":"post","none":null}',
    'application/json',
  ],
  ['input.note', 'hello', 'text/plain;charset=UTF-8'],
  ['input.nothing', '', null],
])('a body is made of the input: %s', async (request, body, type) => {
  const payload = { method: 'post', url: site.url, order: { id: 7 }, note: 'hello', transform: { request } }
  await world.run('http', payload)
  const last = site.seen.at(-1)
  expect([last?.body, last?.headers.get('content-type')]).toEqual([body, type] as never)
})

test.each([
  ['body.items[*].n', [1, 2]],
  ['status', 200],
  [`headers."content-type"`, 'application/json;charset=utf-8'],
  ['body.nothing', null],
  ['length(body.items)', 2],
])('a value is made of the response: %s', async (response, value) => {
  const output = await world.run('http', { url: site.url, transform: { response } })
  expect(output['value']).toEqual(value)
  expect(output['body']).toMatchObject({ items: [{ n: 1 }, { n: 2 }] })
})

test('without an expression there is no value', async () => {
  expect(await world.run('http', { url: site.url, transform: { response: null } })).not.toContainKey('value')
})

test.each([{ request: 'a[' }, { response: 'a[' }])(
  'what is no expression is found before anything is sent: %j',
  async (transform) => {
    const before = site.seen.length
    const failure = await world.failure('http', { method: 'POST', url: site.url, transform })
    expect(failure).toMatchObject({ code: 'JMESPATH_COMPILE_ERROR', retry: 'never', unsent: true })
    expect(site.seen.length).toBe(before)
  },
)

test('an expression that fails over the input sends nothing', async () => {
  const before = site.seen.length
  const failure = await world.failure('http', {
    method: 'POST',
    url: site.url,
    transform: { request: 'abs(input.url)' },
  })
  expect(failure).toMatchObject({ code: 'JMESPATH_RUNTIME_ERROR', retry: 'never', unsent: true })
  expect(site.seen.length).toBe(before)
})

test('an expression that fails over the response tells what came, and asks for no other try', async () => {
  const failure = await world.failure('http', {
    method: 'POST',
    url: site.url,
    transform: { response: 'abs(body.sent)' },
  })
  expect(failure).toMatchObject({ code: 'JMESPATH_RUNTIME_ERROR', retry: 'never', unsent: false })
  expect(failure.details).toMatchObject({ step: 'transform.response' })
  expect(failure.output).toMatchObject({ status: 200, body: { sent: '' } })
})

test('a response that is no success is not looked into', async () => {
  const failure = await world.failure('http', { url: `${site.url}/missing`, transform: { response: 'abs(`"x"`)' } })
  expect(failure).toMatchObject({ code: 'HTTP_ERROR', details: { status: 404 } })
})

test('no expression gets hold of a secret that the server sends back', async () => {
  const auth = { type: 'bearer', token: { secret: 'TOKEN' } }
  const transform = { response: 'reverse(body.authorization)' }
  const output = await world.run('http', { url: site.url, auth, transform })
  expect(output['value']).toBe('*** reraeB')
})

test.each([{ request: 7 }, { other: 'a' }, 'a'])('transform cannot be %j', (transform) => {
  expect(() => world.prepare('http', { method: 'POST', url: site.url, transform })).toThrow()
})

describe('an expression that takes too long', () => {
  // Each of the numbers is compared with each.
  const numbers = Array.from({ length: 20_000 }, (_, index) => index)
  const expression = 'let $all = list in length(list[?length($all[?@ == `-1`]) == `9`])'
  let hasty: HttpWorld

  beforeAll(async () => {
    hasty = await openHttpWorld({ env: { SCRIPT_TIMEOUT_MS: '50' } })
  })

  afterAll(async () => {
    await hasty[Symbol.asyncDispose]()
  })

  test('over the input is ended by SCRIPT_TIMEOUT_MS, and nothing is sent', async () => {
    const before = site.seen.length
    const transform = { request: expression.replaceAll('list', 'input.numbers') }
    const failure = await hasty.failure('http', { method: 'POST', url: site.url, numbers, transform })
    expect(failure).toMatchObject({ code: 'SCRIPT_LIMIT_EXCEEDED', retry: 'never', unsent: true })
    expect(failure.details).toEqual({ limit: 'time', step: 'transform.request' })
    expect(site.seen.length).toBe(before)
  })

  test('over the response too, and the response is told', async () => {
    await using wide = openSite(() => Response.json(numbers))
    const transform = { response: expression.replaceAll('list', 'body') }
    const failure = await hasty.failure('http', { url: wide.url, transform })
    expect(failure).toMatchObject({ code: 'SCRIPT_LIMIT_EXCEEDED', retry: 'never', unsent: false })
    expect(failure.details).toEqual({ limit: 'time', step: 'transform.response' })
    expect(failure.output).toMatchObject({ status: 200, body: numbers })
  })

  test('is ended by its job when that is sooner', async () => {
    const stop = new AbortController()
    const transform = { response: expression.replaceAll('list', 'body') }
    await using wide = openSite(() => {
      queueMicrotask(() => stop.abort(new Error('stop')))
      return Response.json(numbers)
    })
    const run = world.run('http', { url: wide.url, transform }, { signal: stop.signal })
    expect(await run.catch((error: unknown) => error)).not.toMatchObject({ code: 'SCRIPT_LIMIT_EXCEEDED' })
  })
})
