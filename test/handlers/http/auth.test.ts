import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type HttpWorld, openHttpWorld, openSite, type Site } from './http-world.ts'

const values = { token: 'tok-4f9a1b7c3d', name: 'robot-account', word: 'pässwörd "quoted" \\ 77', lines: 'one\ntwo' }

let world: HttpWorld
let site: Site

beforeAll(async () => {
  site = openSite(({ headers, search }) => Response.json({ headers: Object.fromEntries(headers), search }))
  world = await openHttpWorld({
    env: {
      SECRET_TOKEN: values.token,
      SECRET_TOKEN_HOSTS: site.host,
      SECRET_ROBOT: values.name,
      SECRET_ROBOT_HOSTS: '127.0.0.1',
      SECRET_WORD: values.word,
      SECRET_WORD_HOSTS: '127.0.0.1',
      SECRET_LINES: values.lines,
      SECRET_LINES_HOSTS: '*',
      SECRET_ELSEWHERE: 'never-sent-here',
      SECRET_ELSEWHERE_HOSTS: 'api.example.com',
      SECRET_OTHERS: 'of-other-tenants',
      SECRET_OTHERS_HOSTS: '*',
      SECRET_OTHERS_TENANTS: 'globex',
    },
  })
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

async function sentWith(payload: Readonly<Record<string, unknown>>) {
  await world.run('http', { url: site.url, ...payload })
  const last = site.seen.at(-1)
  if (last === undefined) throw new Error('nothing arrived')
  return last
}

describe('what is sent', () => {
  test.each([
    [{ type: 'bearer', token: 'abc' }, 'authorization', 'Bearer abc'],
    [{ type: 'bearer', token: { secret: 'token' } }, 'authorization', `Bearer ${values.token}`],
    [{ type: 'basic', username: 'ä', password: 'a:b' }, 'authorization', `Basic ${btoa('Ã¤:a:b')}`],
    [
      { type: 'basic', username: { secret: 'ROBOT' }, password: { secret: 'WORD' } },
      'authorization',
      `Basic ${Buffer.from(`${values.name}:${values.word}`).toString('base64')}`,
    ],
    [{ type: 'api_key', name: 'X-Key', value: { secret: 'TOKEN' } }, 'x-key', values.token],
    [{ type: 'api_key', name: 'X-Key', value: 'k', in: 'header' }, 'x-key', 'k'],
  ])('for %j', async (auth, header, value) => {
    expect((await sentWith({ auth })).headers.get(header)).toBe(value)
  })

  test('for a key in the query stands behind the rest of it', async () => {
    const auth = { type: 'api_key', name: 'key', value: 'a b', in: 'query' }
    expect((await sentWith({ url: `${site.url}/?x=1`, query: { y: 2 }, auth })).search).toBe('?x=1&y=2&key=a%20b')
  })

  test('for a secret in a header is its value', async () => {
    const { headers } = await sentWith({ headers: { 'X-Token': { secret: 'TOKEN' } } })
    expect(headers.get('x-token')).toBe(values.token)
  })
})

describe('a secret', () => {
  const bearer = (secret: string) => ({ type: 'bearer', token: { secret } })

  test.each([
    ['for another host', { auth: bearer('ELSEWHERE') }, 'host'],
    ['that is not there', { auth: bearer('NOWHERE') }, 'missing'],
    ['of other tenants', { auth: bearer('OTHERS') }, 'missing'],
    ['for another host in a header', { headers: { 'x-a': { secret: 'ELSEWHERE' } } }, 'host'],
    [
      'for another host in a query',
      { auth: { type: 'api_key', name: 'k', value: { secret: 'ELSEWHERE' }, in: 'query' } },
      'host',
    ],
  ])('%s is refused by its name, and nothing is sent', async (_, payload, reason) => {
    const before = site.seen.length
    const failure = await world.failure('http', { url: site.url, ...payload })
    expect(failure).toMatchObject({ code: 'PERMISSION_DENIED', retry: 'never', unsent: true, details: { reason } })
    expect(failure.details?.['secret']).toBeString()
    expect(JSON.stringify([failure.message, failure.details])).not.toMatch(/never-sent|other-tenants/)
    expect(site.seen.length).toBe(before)
  })

  test('is given to its tenants', async () => {
    const output = await world.run('http', { url: site.url, auth: bearer('OTHERS') }, { tenantId: 'globex' })
    expect(output['body']).toMatchObject({ headers: { authorization: 'Bearer of-other-tenants' } })
  })

  test.each([{ auth: bearer('LINES') }, { headers: { 'x-a': { secret: 'LINES' } } }])(
    'that no header can hold is refused without being told: %j',
    async (payload) => {
      const failure = await world.failure('http', { url: site.url, ...payload })
      expect(failure).toMatchObject({ code: 'INVALID_INPUT', unsent: true })
      expect(JSON.stringify([failure.message, failure.details])).not.toContain('two')
    },
  )

  test('does not follow a redirect to another origin', async () => {
    await using other = openSite(({ headers, search }) =>
      Response.json({ headers: Object.fromEntries(headers), search }),
    )
    await using first = openSite(() => new Response('', { status: 302, headers: { location: other.url } }))
    await using near = await openHttpWorld({ env: { SECRET_TOKEN: values.token, SECRET_TOKEN_HOSTS: first.host } })
    const value = { secret: 'TOKEN' }
    for (const payload of [
      { auth: bearer('TOKEN') },
      { auth: { type: 'api_key', name: 'X-Key', value } },
      { auth: { type: 'api_key', name: 'key', value, in: 'query' } },
      { headers: { 'x-own': value } },
    ]) {
      const output = await near.run('http', { url: first.url, ...payload })
      expect(output['url']).toBe(`${other.url}/`)
      expect(JSON.stringify(output)).not.toContain(values.token)
    }
    expect(first.seen.map(({ headers, search }) => `${JSON.stringify(headers)}${search}`)).toEqual(
      Array.from({ length: 4 }, () => expect.stringContaining(values.token)),
    )
  })

  test('written out in a header that is called like one does not either', async () => {
    await using other = openSite(({ headers }) => Response.json(Object.fromEntries(headers)))
    await using first = openSite(() => new Response('', { status: 307, headers: { location: other.url } }))
    const credentials = ['X-Api-Key', 'apikey', 'x-auth-token', 'X-Vault-Token', 'x-session-id', 'Subscription-Key']
    const others = ['x-author', 'x-request-id', 'Idempotency-Key', 'accept', 'x-tenant']
    const headers = Object.fromEntries([...credentials, ...others].map((name) => [name, 'v']))
    const output = await world.run('http', { method: 'PUT', url: first.url, headers })
    expect(first.seen[0]?.headers.get('x-api-key')).toBe('v')
    for (const name of credentials) expect(output['body']).not.toContainKey(name.toLowerCase())
    expect(output['body']).toMatchObject(Object.fromEntries(others.map((name) => [name.toLowerCase(), 'v'])))
  })

  test('and what is made of it is masked, what a tenant chooses itself is not', async () => {
    const mask = world.services.secrets.maskFor('acme')
    for (const username of ['some', 'someo', 'someon']) {
      await sentWith({ auth: { type: 'basic', username, password: { secret: 'WORD' } } })
      const text = mask.text(btoa(`${username}:`) + Buffer.from(`${username}:${values.word}`).toString('base64'))
      expect(text).toContain('***')
      // At most two of its bytes share characters with what is around it.
      expect(Buffer.from(text.replace('***', ''), 'base64').toString()).not.toContain('ssw')
    }
    await sentWith({ auth: { type: 'basic', username: 'someone', password: 'chosen by me' } })
    const chosen = Buffer.from('someone:chosen by me').toString('base64')
    expect(mask.text(chosen)).toBe(chosen)
  })

  test('that is a word of ours does not blind an expression', async () => {
    const env = { SECRET_A: 'headers', SECRET_A_HOSTS: '*', SECRET_B: 'value-of-b', SECRET_B_HOSTS: '*' }
    await using near = await openHttpWorld({ env })
    const transform = { response: '[headers."x-a", body]' }
    await using echo = openSite(() => Response.json({ headers: 'value-of-b' }, { headers: { 'x-a': 'value-of-b' } }))
    const output = await near.run('http', { url: echo.url, transform })
    expect(output['value']).toEqual(['***', { '***': '***' }])
  })

  test('is hidden in bytes that come back', async () => {
    await using echo = openSite(({ headers }) => {
      const body = new Blob([new Uint8Array([0, 255]), headers.get('authorization') ?? '', new Uint8Array([254])])
      return new Response(body, { headers: { 'content-type': 'application/octet-stream' } })
    })
    await using near = await openHttpWorld({ env: { SECRET_TOKEN: values.token, SECRET_TOKEN_HOSTS: '*' } })
    const output = await near.run('http', { url: echo.url, auth: bearer('TOKEN') })
    const bytes = Buffer.from(String(output['body_base64']), 'base64')
    expect(bytes.toString('latin1')).toBe('\0ÿBearer ***þ')
  })
})

test.each([
  { type: 'magic' },
  { type: 'bearer' },
  { type: 'bearer', token: 7 },
  { type: 'bearer', token: { secret: '' } },
  { type: 'bearer', token: { secret: 'A', more: 1 } },
  { type: 'basic', username: 'a' },
  { type: 'api_key', name: 'Host', value: 'x' },
  { type: 'api_key', name: 'a b', value: 'x' },
  { type: 'oauth2_client_credentials', token_url: 'nowhere', client_id: 'a', client_secret: 'b' },
])('auth cannot be %j', (auth) => {
  expect(() => world.prepare('http', { url: site.url, auth })).toThrow()
})

test('a user name with a colon would be read as another', async () => {
  const auth = { type: 'basic', username: 'a:b', password: 'c' }
  expect(await world.failure('http', { url: site.url, auth })).toMatchObject({ code: 'INVALID_INPUT', unsent: true })
})
