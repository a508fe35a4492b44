import { describe, expect, test } from 'bun:test'
import { JobError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { Egress } from '../../../src/lib/egress.ts'
import { openLogger } from '../../../src/observe/logger.ts'
import { Metrics } from '../../../src/observe/metrics.ts'
import { Breakers, type Verdict } from '../../../src/services/fetch/breaker.ts'
import { openFetch } from '../../../src/services/fetch/fetch.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { RawHttpServer, response } from '../../support/raw-http-server.ts'
import { failureOf, get, never, once, openTestFetch, silentLog } from './fetch-rig.ts'

const origin = { key: 'https://a.test:443', host: 'a.test', port: 443 }

function rig() {
  const clock = new FakeClock()
  const chance = { value: 0 }
  const lines: unknown[] = []
  const log = openLogger({
    ...{ level: 'info', format: 'json', workerId: 'w', component: 'fetch' },
    to: (line) => lines.push(JSON.parse(line)),
  })
  const breakers = new Breakers({ clock, log, random: () => chance.value })
  const run = (...verdicts: readonly Verdict[]): void => {
    for (const verdict of verdicts) breakers.admit('acme', origin)(verdict)
  }
  const refusal = (): JobError => {
    try {
      breakers.admit('acme', origin)('neither')
    } catch (error) {
      if (error instanceof JobError) return error
    }
    throw new Error('It was not refused')
  }
  return { clock, chance, lines, breakers, run, refusal }
}

const fail5 = ['failure', 'failure', 'failure', 'failure', 'failure'] as const

describe('a circuit breaker', () => {
  test('opens after five failures in a row, and says for how long', () => {
    const { breakers, run, refusal } = rig()
    run('failure', 'failure', 'failure', 'failure', 'success', 'failure', 'failure', 'neither', 'failure', 'failure')
    expect(breakers.states()).toEqual({ closed: 1, open: 0, halfOpen: 0 })
    run('failure')
    expect(breakers.states()).toEqual({ closed: 0, open: 1, halfOpen: 0 })
    expect(refusal()).toMatchObject({
      code: 'RESOURCE_UNAVAILABLE',
      retry: { afterMs: 10_000 },
      unsent: true,
      uncharged: true,
      details: { breaker: 'open', host: 'a.test', retry_after_ms: 10_000 },
    })
  })

  test('lets one probe through at a time, and closes with its success', async () => {
    const { clock, breakers, run, refusal } = rig()
    run(...fail5)
    await clock.advance(9_999)
    expect(refusal().retry).toEqual({ afterMs: 1 })
    await clock.advance(1)
    expect(breakers.states()).toEqual({ closed: 0, open: 0, halfOpen: 1 })
    const settle = breakers.admit('acme', origin)
    expect(refusal().retry).toEqual({ afterMs: 1000 })
    settle('success')
    settle('failure')
    expect(breakers.states()).toEqual({ closed: 1, open: 0, halfOpen: 0 })
    run('failure', 'failure', 'failure', 'failure', 'success')
  })

  test('opens for twice as long with each failed probe, a minute at most', async () => {
    const { clock, run, refusal } = rig()
    run(...fail5)
    for (const openMs of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      expect(refusal().retry).toEqual({ afterMs: openMs })
      await clock.advance(openMs)
      run('failure')
    }
  })

  test('is free for the next probe when one was called off', async () => {
    const { clock, breakers, run } = rig()
    run(...fail5)
    await clock.advance(10_000)
    run('neither', 'neither', 'success')
    expect(breakers.states().closed).toBe(1)
  })

  test('is not moved by what was let through before it opened', () => {
    const { breakers, run, refusal } = rig()
    const early = [breakers.admit('acme', origin), breakers.admit('acme', origin)]
    run(...fail5)
    early[0]?.('success')
    early[1]?.('failure')
    expect(refusal().retry).toEqual({ afterMs: 10_000 })
  })

  test('draws the waits out by up to a quarter, by chance', async () => {
    const { clock, chance, run, refusal, breakers } = rig()
    run(...fail5)
    chance.value = 0.5
    expect(refusal()).toMatchObject({ retry: { afterMs: 11_250 }, details: { retry_after_ms: 11_250 } })
    await clock.advance(10_000)
    breakers.admit('acme', origin)
    chance.value = 1
    expect(refusal().retry).toEqual({ afterMs: 1250 })
  })

  test('is in the log once when it opens, and once when it closes', async () => {
    const { clock, lines, run } = rig()
    run(...fail5)
    await clock.advance(10_000)
    run('failure')
    await clock.advance(20_000)
    run('success', 'success')
    const about = { component: 'fetch', tenant_id: 'acme', context: { host: 'a.test', port: 443 } }
    expect(lines).toMatchObject([
      { level: 'WARN', ...about },
      { level: 'INFO', ...about },
    ])
    expect(lines).toHaveLength(2)
  })

  test('is one of at most 10,000', () => {
    const { breakers } = rig()
    for (let count = 0; count < 10_100; count++) breakers.admit(`${count}`, origin)('success')
    expect(breakers.states()).toEqual({ closed: 10_000, open: 0, halfOpen: 0 })
  })
})

describe('requests', () => {
  test('are stopped for the tenant and the origin that failed, and for no other', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(response(503)))
    await using fetch = openTestFetch()
    for (let count = 0; count < 5; count++) expect((await fetch.request(get(server.url()), never)).status).toBe(503)
    expect(await failureOf(fetch.request(get(server.url()), never))).toMatchObject({ code: 'RESOURCE_UNAVAILABLE' })
    expect(server.requests).toHaveLength(5)
    expect(fetch.breakerStates()).toEqual({ closed: 0, open: 1, halfOpen: 0 })
    expect((await fetch.request(get(server.url(), { tenantId: 'other' }), never)).status).toBe(503)
    expect((await fetch.request(get(server.url('/', 'a.test')), never)).status).toBe(503)
  })

  test('that fail to connect count; answers count as the request says', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(response(503)))
    await using fetch = openTestFetch()
    const isFailure = (): boolean => false
    for (let count = 0; count < 9; count++) await fetch.request(get(server.url(), { isFailure }), never)
    const nobody = new URL('http://127.0.0.9:1/')
    for (let count = 0; count < 5; count++) {
      expect(await failureOf(fetch.request(get(nobody), never))).toMatchObject({ reason: 'refused' })
    }
    expect(await failureOf(fetch.request(get(nobody), never))).toMatchObject({ code: 'RESOURCE_UNAVAILABLE' })
    expect(fetch.breakerStates()).toEqual({ closed: 1, open: 1, halfOpen: 0 })
  })

  test('are counted by the state of their breakers in the metrics', async () => {
    using metrics = new Metrics({ version: '1', bun: '1', commit: '1' })
    const config = { connectTimeoutMs: 1000, maxResponseBytes: 1000, maxRedirects: 5, maxPerOrigin: 64 }
    const egress = new Egress({ allowHosts: [], allowCidrs: ['127.0.0.0/8'], denyCidrs: [] })
    await using fetch = openFetch({ config, egress, clock: systemClock, log: silentLog, metrics })
    for (let count = 0; count < 5; count++) await failureOf(fetch.request(get(new URL('http://127.0.0.9:1/')), never))
    const { body } = await metrics.text()
    expect(body).toContain('worker_http_breaker_state{state="open"} 1')
    expect(body).toContain('worker_http_breaker_state{state="closed"} 0')
    expect(body).toContain('worker_http_breaker_state{state="half_open"} 0')
  })

  test('that get no answer in time count', async () => {
    await using server = await RawHttpServer.start(() => undefined)
    await using fetch = openTestFetch()
    for (let count = 0; count < 5; count++) {
      const failure = await failureOf(fetch.request(once(server.url(), { firstByteTimeoutMs: 20 }), never))
      expect(failure).toMatchObject({ code: 'TIMEOUT', reason: 'first_byte' })
    }
    expect(await failureOf(fetch.request(once(server.url()), never))).toMatchObject({ code: 'RESOURCE_UNAVAILABLE' })
  })

  test('whose job ran out of time do not count', async () => {
    await using server = await RawHttpServer.start(() => undefined)
    await using fetch = openTestFetch()
    for (let count = 0; count < 5; count++) {
      const controller = new AbortController()
      const ended = failureOf(fetch.request(get(server.url()), controller.signal))
      await eventually(() => server.requests.length > count)
      controller.abort(new JobError('TIMEOUT', 'The job took too long'))
      expect(await ended).toMatchObject({ code: 'TIMEOUT' })
    }
    expect(fetch.breakerStates().open).toBe(0)
  })

  test('to one origin count together, however its host is written', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(response(503)))
    await using fetch = openTestFetch()
    const spellings = ['localhost', 'LOCALHOST', 'localhost.', 'localhost', 'localhost.']
    for (const host of spellings) await fetch.request(get(server.url('/', host)), never)
    expect(fetch.breakerStates()).toEqual({ closed: 0, open: 1, halfOpen: 0 })
  })

  test('that were refused or called off do not count', async () => {
    await using server = await RawHttpServer.start(() => undefined)
    await using fetch = openTestFetch()
    for (let count = 0; count < 9; count++) {
      const controller = new AbortController()
      const ended = fetch.request(get(server.url()), controller.signal).catch(() => 'ended')
      controller.abort()
      expect(await ended).toBe('ended')
      expect(await failureOf(fetch.request(get(new URL('http://10.0.0.1/')), never))).toMatchObject({
        code: 'PERMISSION_DENIED',
      })
    }
    expect(fetch.breakerStates().open).toBe(0)
  })
})
