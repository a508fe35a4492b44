/** Tokens by client credentials, on the way of a job. How they are remembered: test/services/oauth-tokens.test.ts. */
import { expect, test } from 'bun:test'
import { eventually } from '../../support/eventually.ts'
import { type Arrived, type HttpWorld, openHttpWorld, openSite, type Site } from './http-world.ts'

const secret = 'cs-77f0e1d2c3b4'

interface Scene extends AsyncDisposable {
  readonly world: HttpWorld
  readonly issuer: Site
  readonly api: Site
  readonly auth: Readonly<Record<string, unknown>>
}

/** An API that takes the tokens `isGood` says, and an issuer that gives `token-1`, `token-2`, … */
async function openScene(isGood: (token: string) => boolean, issue?: () => Response): Promise<Scene> {
  let issued = 0
  const usual = () =>
    Response.json({ access_token: `token-${++issued}-abcdefgh`, token_type: 'bearer', expires_in: 3600 })
  const issuer = openSite(issue ?? usual)
  const api = openSite(({ headers }: Arrived) => {
    const authorization = headers.get('authorization') ?? ''
    const status = isGood(authorization.replace(/^Bearer /, '')) ? 200 : 401
    return Response.json({ authorization }, { status })
  })
  const world = await openHttpWorld({
    env: { SECRET_CLIENT: secret, SECRET_CLIENT_HOSTS: `${issuer.host},${api.host}` },
  })
  const auth = {
    type: 'oauth2_client_credentials',
    token_url: `${issuer.url}/token`,
    client_id: 'id:1 ä',
    client_secret: { secret: 'CLIENT' },
    scope: 'read write',
  }
  return {
    ...{ world, issuer, api, auth },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await issuer[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

test('a token is asked for as the specification says, and used by many jobs', async () => {
  await using scene = await openScene(() => true)
  const { world, issuer, api, auth } = scene
  const outputs = await Promise.all(Array.from({ length: 5 }, () => world.run('http', { url: api.url, auth })))
  outputs.push(
    await world.run('http', { url: api.url, auth }),
    await world.run('graphql', { url: api.url, query: '{ a }', auth }).catch(() => ({})),
  )
  expect(api.seen.map(({ headers }) => headers.get('authorization'))).toEqual(
    Array.from({ length: 7 }, () => 'Bearer token-1-abcdefgh'),
  )
  expect(issuer.seen).toHaveLength(1)
  const [asked] = issuer.seen
  expect(asked).toMatchObject({
    method: 'POST',
    path: '/token',
    body: 'grant_type=client_credentials&scope=read+write',
  })
  expect(asked?.headers.get('content-type')).toBe('application/x-www-form-urlencoded')
  expect(asked?.headers.get('authorization')).toBe(`Basic ${btoa(`id%3A1+%C3%A4:${secret}`)}`)
  const mask = world.services.secrets.maskFor('acme')
  expect(mask.text('token-1-abcdefgh')).toBe('***')
  expect(mask.text(btoa(`id%3A1+%C3%A4:${secret}`))).not.toContain(btoa(secret).slice(4, 12))
})

test('what a secret buys goes only where the secret may go', async () => {
  await using issuer = openSite(() => Response.json({ access_token: 'token-1-abcdefgh', token_type: 'bearer' }))
  await using api = openSite(() => Response.json({}))
  await using world = await openHttpWorld({ env: { SECRET_CLIENT: secret, SECRET_CLIENT_HOSTS: issuer.host } })
  const auth = {
    type: 'oauth2_client_credentials',
    token_url: `${issuer.url}/token`,
    client_id: 'me',
    client_secret: { secret: 'CLIENT' },
  }
  expect(await world.failure('http', { url: api.url, auth })).toMatchObject({
    code: 'PERMISSION_DENIED',
    details: { secret: 'CLIENT', reason: 'host' },
  })
  expect([...issuer.seen, ...api.seen]).toEqual([])
})

test('a token that is refused is replaced once, where the request may be sent again', async () => {
  await using scene = await openScene((token) => token === 'token-2-abcdefgh' || token === 'token-4-abcdefgh')
  const { world, issuer, api, auth } = scene
  // The first token is new: that it is refused is an answer.
  expect(await world.failure('http', { url: api.url, auth })).toMatchObject({ code: 'HTTP_ERROR', retry: 'never' })
  expect(issuer.seen).toHaveLength(1)
  expect(await world.run('http', { url: api.url, auth })).toMatchObject({ status: 200 })
  expect(issuer.seen).toHaveLength(2)
})

test('a remembered token that has become bad is replaced within the try; a POST is left to the next job', async () => {
  let good = 'token-1-abcdefgh'
  await using scene = await openScene((token) => token === good)
  const { world, issuer, api, auth } = scene
  const get = () => world.run('http', { url: api.url, auth })
  await get()
  good = 'token-2-abcdefgh'
  expect(await get()).toMatchObject({ status: 200, body: { authorization: 'Bearer token-2-abcdefgh' }, attempts: 1 })
  expect([issuer.seen.length, api.seen.length]).toEqual([2, 3])
  good = 'token-3-abcdefgh'
  const post = { method: 'POST', url: api.url, body: 'x', auth }
  expect(await world.failure('http', post)).toMatchObject({ code: 'HTTP_ERROR', details: { status: 401 } })
  expect([issuer.seen.length, api.seen.length]).toEqual([2, 4])
  expect(await world.run('http', post)).toMatchObject({ status: 200 })
  expect([issuer.seen.length, api.seen.length]).toEqual([3, 5])
})

test('when no token is to be had nothing is sent, and the error says so', async () => {
  const refuse = () => Response.json({ error: 'invalid_client', error_description: secret }, { status: 401 })
  await using scene = await openScene(() => true, refuse)
  const { world, api, auth } = scene
  const failure = await world.failure('http', { method: 'POST', url: api.url, body: 'x', auth })
  const details = { step: 'token', status: 401, reason: 'invalid_client' }
  expect(failure).toMatchObject({ code: 'HTTP_ERROR', retry: 'never', unsent: true, details })
  expect(failure.output).toBeUndefined()
  expect(api.seen).toEqual([])
})

test('a secret goes to no token endpoint that is not one of its hosts', async () => {
  await using scene = await openScene(() => true)
  await using other = openSite(() => Response.json({ access_token: 'token-1-abcdefgh', token_type: 'bearer' }))
  const { world, api, auth } = scene
  const failure = await world.failure('http', { url: api.url, auth: { ...auth, token_url: `${other.url}/token` } })
  expect(failure).toMatchObject({ code: 'PERMISSION_DENIED', details: { secret: 'CLIENT', reason: 'host' } })
  expect([...api.seen, ...other.seen]).toEqual([])
})

test('a token that is in use stays masked, however many others are issued meanwhile', async () => {
  let issued = 0
  const token = (n: number): string => `token-${n}-0123456789abcdef`
  await using issuer = openSite(() => Response.json({ access_token: token(++issued), expires_in: 3600 }))
  const held = Promise.withResolvers<void>()
  await using api = openSite(async ({ path, headers }) => {
    if (path === '/held') await held.promise
    return Response.json({ echo: headers.get('authorization') })
  })
  const env = { SECRET_CLIENT: secret, SECRET_CLIENT_HOSTS: `${issuer.host},${api.host}` }
  await using world = await openHttpWorld({ env })
  const auth = (scope: string) => ({
    ...{ type: 'oauth2_client_credentials', token_url: `${issuer.url}/token`, scope },
    ...{ client_id: 'me', client_secret: { secret: 'CLIENT' } },
  })
  const first = world.run('http', { url: `${api.url}/held`, auth: auth('first') })
  await eventually(() => api.seen.length === 1)
  for (let n = 0; n < 70; n++) await world.run('http', { url: api.url, auth: auth(`${n}`) })
  const mask = world.services.secrets.maskFor('acme')
  expect(mask.text(token(1))).toBe(token(1))
  held.resolve()
  await first
  expect(mask.text(token(1))).toBe('***')
})
