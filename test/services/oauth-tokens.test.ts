import { describe, expect, test } from 'bun:test'
import type { OauthTokens, TokenRequest } from '../../src/services/oauth-tokens.ts'
import { openOauthTokens } from '../../src/services/oauth-tokens.ts'
import { openHttpWorld, openSite, type Site } from '../handlers/http/http-world.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'

interface Scene extends AsyncDisposable {
  readonly clock: FakeClock
  readonly issuer: Site
  readonly tokens: OauthTokens
  readonly request: TokenRequest
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
    isConfidential: true,
  }
  return {
    ...{ clock, issuer, tokens, request },
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
