import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { RetryPolicy } from '../../../src/handler.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type HttpWorld, openHttpWorld, openSite, type Site } from './http-world.ts'

const clock = new FakeClock(Date.UTC(2026, 0, 1))
let world: HttpWorld
let site: Site
let next: () => Response

beforeAll(async () => {
  world = await openHttpWorld({ clock })
  site = openSite(() => next())
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

describe.each(['http', 'graphql'] as const)('the policy of %s', (type) => {
  const policyOf = (retry?: unknown, options?: unknown): RetryPolicy =>
    world.prepare(type, { url: site.url, query: type === 'graphql' ? '{ a }' : {}, retry }, { options }).policy

  test('is four tries, 200 ms doubling, unless somebody says otherwise', () => {
    expect(policyOf()).toEqual({ maxAttempts: 4, backoffMs: 200, maxBackoffMs: 30_000 })
    expect(policyOf(null)).toEqual({ maxAttempts: 4, backoffMs: 200, maxBackoffMs: 30_000 })
    expect(policyOf(undefined, { retry: { max_attempts: 2, backoff_ms: 50 } })).toMatchObject({
      maxAttempts: 2,
      backoffMs: 50,
    })
  })

  test('is what the payload says, before the options', () => {
    const retry = { strategy: 'linear', max_attempts: 7, base_ms: 10, max_ms: 1000, jitter: 0.5 }
    const options = { retry: { max_attempts: 2, backoff_ms: 50 } }
    const policy = { maxAttempts: 7, backoffMs: 10, maxBackoffMs: 1000, strategy: 'linear', jitter: 0.5 }
    expect(policyOf(retry, options)).toEqual(policy as RetryPolicy)
    expect(policyOf({ strategy: 'none', max_attempts: 7 }, options).maxAttempts).toBe(1)
    expect(policyOf({ jitter: false }, options)).toMatchObject({ maxAttempts: 4, strategy: 'exponential', jitter: 0 })
    expect(policyOf({}, options)).toMatchObject({ maxAttempts: 4, jitter: 1 })
  })

  test.each([
    ...[{ max_attempts: 0 }, { max_attempts: 21 }, { base_ms: -1 }, { max_ms: 1.5 }, { jitter: 2 }, 'often'],
    ...[{ strategy: 'random' }, { on_status: 'some' }, { on_status: [] }, { respect_retry_after: 1 }, { tries: 3 }],
  ])('cannot be %j', (retry) => {
    expect(() => policyOf(retry)).toThrow('not what this job type takes')
  })
})

async function retryOf(status: number, headers: Record<string, string>, retry?: unknown): Promise<unknown> {
  next = () => new Response('', { status, headers })
  // Failures would open the circuit breaker of a tenant that has many.
  return (await world.failure('http', { url: site.url, retry }, { tenantId: `tenant-${site.seen.length}` })).retry
}

describe('a status', () => {
  test.each([408, 425, 429, 500, 501, 502, 503, 504, 599])('%i asks for another try', async (status) => {
    expect(await retryOf(status, {})).toBe('backoff')
  })

  test.each([400, 401, 403, 404, 409, 410, 422, 451])('%i does not', async (status) => {
    expect(await retryOf(status, { 'retry-after': '1' })).toBe('never')
  })

  test('does as the job says', async () => {
    expect(await retryOf(404, {}, { on_status: [404] })).toBe('backoff')
    expect(await retryOf(500, {}, { on_status: '404,50[1]'.replace('[1]', '3') })).toBe('never')
    expect(await retryOf(503, {}, { on_status: '404,503' })).toBe('backoff')
    expect(await retryOf(404, {}, { on_status: 404 })).toBe('backoff')
  })
})

describe('Retry-After', () => {
  test.each([
    ['2', { afterMs: 2000 }],
    ['999999', { afterMs: 999_999_000 }],
    ['Thu, 01 Jan 2026 00:00:30 GMT', { afterMs: 30_000 }],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 'backoff'],
    ['0', 'backoff'],
    ['-5', 'backoff'],
    ['1.5', 'backoff'],
    ['soon', 'backoff'],
    ['', 'backoff'],
    ['99999999999999999999', 'backoff'],
  ])('%j', async (header, expected) => {
    expect(await retryOf(429, { 'retry-after': header })).toEqual(expected)
    expect(await retryOf(429, { 'retry-after': header }, { respect_retry_after: false })).toBe('backoff')
  })
})
