import { describe, expect, test } from 'bun:test'
import type { OauthTokens, TokenRequest } from '../../src/services/oauth-tokens.ts'
import { openOauthTokens } from '../../src/services/oauth-tokens.ts'
import type { Secrets } from '../../src/services/secrets/secrets.ts'
import { openHttpWorld, openSite, type Site } from '../handlers/http/http-world.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'

interface Scene extends AsyncDisposable {
  readonly clock: FakeClock
  readonly issuer: Site
  readonly tokens: OauthTokens
  readonly request: TokenRequest
  readonly secrets: Secrets
  get(more?: Partial<TokenRequest>, signal?: AbortSignal): Promise<string>
}

type Answer = (count: number) => Response | Promise<Response>

async function openScene(answer: Answer = (count) => Response.json({ access_token: `t${count}` })): Promise<Scene> {
  let count = 0
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const issuer = openSite(() => answer(++count))
  const world = await openHttpWorld()
  const { fetch, secrets } = world.services
  const tokens = openOauthTokens({ fetch, secrets, clock })
  const request = {
    tenantId: 'acme',
    url: new URL(issuer.url),
    clientId: 'id',
    clientSecret: 'secret',
    isConfidential: false,
  }
  return {
    ...{ clock, issuer, tokens, request, secrets },
    get: async (more, signal = new AbortController().signal) =>
      (await tokens.get({ ...request, ...more }, signal)).value,
    async [Symbol.asyncDispose]() {
      await tokens[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
      await issuer[Symbol.asyncDispose]()
    },
  }
}

describe('a token', () => {
  test.each([
    ['3600', 3570],
    [3600, 3570],
    [60, 54],
    [undefined, 270],
    [null, 270],
    [1e9, 86_370],
  ])('that lives for %j s is used for %i s', async (expiresIn, seconds) => {
    await using scene = await openScene((count) => Response.json({ access_token: `t${count}`, expires_in: expiresIn }))
    expect(await scene.get()).toBe('t1')
    await scene.clock.advance(seconds * 1000 - 1)
    expect(await scene.get()).toBe('t1')
    await scene.clock.advance(1)
    expect(await scene.get()).toBe('t2')
  })

  test.each([0, -1])('that lives for %i s is used once', async (expiresIn) => {
    await using scene = await openScene((count) => Response.json({ access_token: `t${count}`, expires_in: expiresIn }))
    expect([await scene.get(), await scene.get()]).toEqual(['t1', 't2'])
  })

  test('is nobody else’s', async () => {
    await using scene = await openScene()
    const others: Partial<TokenRequest>[] = [
      { tenantId: 'globex' },
      { clientId: 'other' },
      { clientSecret: 'rotated' },
      { scope: 'read' },
      { url: new URL('/other', scene.issuer.url) },
    ]
    expect(await scene.get()).toBe('t1')
    for (const [index, other] of others.entries()) expect(await scene.get(other)).toBe(`t${index + 2}`)
    expect(await scene.get()).toBe('t1')
  })

  test('that was refused is forgotten, a newer one is not', async () => {
    await using scene = await openScene()
    const { tokens, request } = scene
    const signal = new AbortController().signal
    const first = await tokens.get(request, signal)
    expect(first).toEqual({ value: 't1', isNew: true })
    expect(await tokens.get(request, signal)).toEqual({ value: 't1', isNew: false })
    tokens.drop(request, first)
    expect(await scene.get()).toBe('t2')
    tokens.drop(request, first)
    expect(await scene.get()).toBe('t2')
  })
})

describe('the token of a confidential client', () => {
  const confidential = { isConfidential: true }
  const longToken = (count: number): string => `token-${count}-of-a-confidential-client`
  const issue = (count: number): Response => Response.json({ access_token: longToken(count) })

  test('is masked for its tenant before anybody has it; that of others is not', async () => {
    await using scene = await openScene(issue)
    const [first, second] = [await scene.get(confidential), await scene.get()]
    expect([first, second]).toEqual([longToken(1), longToken(2)])
    expect(scene.secrets.maskFor('acme').text(`${first} ${second}`)).toBe(`*** ${second}`)
    expect(scene.secrets.maskFor('globex').text(first)).toBe(first)
  })

  test('is masked whenever it is used again, though many others were used since', async () => {
    await using scene = await openScene(issue)
    const mask = scene.secrets.maskFor('acme')
    for (let n = 0; n < 64; n++) await scene.get({ ...confidential, scope: `${n}` })
    expect(await scene.get({ ...confidential, scope: '0' })).toBe(longToken(1))
    await scene.get({ ...confidential, scope: '64' })
    expect(mask.text(longToken(1))).toBe('***')
    // What is masked no more is not used any more either.
    expect(mask.text(longToken(2))).toBe(longToken(2))
    expect(await scene.get({ ...confidential, scope: '1' })).toBe(longToken(66))
  })

  test.each([
    ['x'.repeat(15), 'token_too_short'],
    ['x'.repeat(16_385), 'token_too_long'],
    ['"&<'.repeat(10), 'token_characters'],
  ])('is refused when it could not be masked: %#', async (value, reason) => {
    await using scene = await openScene(() => Response.json({ access_token: value }))
    const failure = await scene.get(confidential).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'HTTP_REQUEST_FAILED',
      retry: 'never',
      unsent: true,
      details: { step: 'token', reason, least: 16, most: 16_384 },
    })
    expect(await scene.get()).toBe(value)
  })

  test.each([16, 16_384])('may have %i characters', async (length) => {
    await using scene = await openScene(() => Response.json({ access_token: 'x'.repeat(length) }))
    expect(await scene.get(confidential)).toHaveLength(length)
  })
})

describe('a request for a token', () => {
  test('is shared; one who leaves does not end it for the others', async () => {
    const answer = Promise.withResolvers<Response>()
    await using scene = await openScene(() => answer.promise)
    const leaving = new AbortController()
    const waiting = [scene.get({}, leaving.signal), scene.get(), scene.get()]
    await eventually(() => scene.issuer.seen.length === 1)
    leaving.abort(new Error('leaves'))
    expect(await waiting[0]?.catch((error: unknown) => error)).toMatchObject({ message: 'leaves' })
    answer.resolve(Response.json({ access_token: 'shared' }))
    expect(await Promise.all(waiting.slice(1))).toEqual(['shared', 'shared'])
    expect(scene.issuer.seen).toHaveLength(1)
  })

  test('ends when all have left, and the next one asks anew', async () => {
    await using scene = await openScene((count) =>
      count === 1 ? new Promise<Response>(() => undefined) : Response.json({ access_token: `t${count}` }),
    )
    const leaving = new AbortController()
    const waiting = scene.get({}, leaving.signal)
    await eventually(() => scene.issuer.seen.length === 1)
    leaving.abort(new Error('leaves'))
    expect(await waiting.catch((error: unknown) => error)).toMatchObject({ message: 'leaves' })
    expect(await scene.get()).toBe('t2')
  })

  test('is not made for one who has left already', async () => {
    await using scene = await openScene()
    expect(await scene.get({}, AbortSignal.abort(new Error('gone'))).catch((error: unknown) => error)).toMatchObject({
      message: 'gone',
    })
    expect(scene.issuer.seen).toEqual([])
  })

  test.each([
    [
      'a refusal',
      () => Response.json({ error: 'invalid_scope' }, { status: 400 }),
      'never',
      { status: 400, reason: 'invalid_scope' },
    ],
    ['a text of the server', () => Response.json({ error: 'Bad: s3cret' }, { status: 403 }), 'never', { status: 403 }],
    ['a failing server', () => new Response('', { status: 503 }), 'backoff', { status: 503 }],
    [
      'a busy server',
      () => new Response('', { status: 429, headers: { 'retry-after': '7' } }),
      { afterMs: 7000 },
      { status: 429 },
    ],
    ['no JSON', () => new Response('ok'), 'never', { status: 200 }],
    ['no token', () => Response.json({}), 'never', { status: 200 }],
    ['null', () => Response.json(null), 'never', { status: 200 }],
    ['a token that no header can hold', () => Response.json({ access_token: 'a\r\nb' }), 'never', { status: 200 }],
    [
      'a token of another type',
      () => Response.json({ access_token: 'a', token_type: 'mac' }),
      'never',
      { status: 200 },
    ],
    ['a redirect', () => new Response('', { status: 302, headers: { location: '/' } }), 'never', { status: 302 }],
  ] as const)('that gets %s', async (_, answer, retry, details) => {
    await using scene = await openScene(answer)
    const failure = await scene.get().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'HTTP_ERROR', retry, unsent: true })
    expect((failure as { readonly details: unknown }).details).toEqual({ step: 'token', ...details })
  })

  test('that gets no answer says what the matter was', async () => {
    await using scene = await openScene()
    const failure = await scene.get({ url: new URL('http://127.0.0.1:1/') }).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'HTTP_REQUEST_FAILED',
      retry: 'backoff',
      unsent: true,
      details: { step: 'token' },
    })
    const forbidden = await scene.get({ url: new URL('http://10.0.0.1/') }).catch((error: unknown) => error)
    expect(forbidden).toMatchObject({ code: 'PERMISSION_DENIED', retry: 'never', details: { step: 'token' } })
  })
})
