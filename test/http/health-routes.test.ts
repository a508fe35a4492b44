import { describe, expect, test } from 'bun:test'
import { openTestHttp } from './open-test-http.ts'

const up = { ready: true, draining: false, load: 0.25, checks: { nats: 'ok', consumer: 'ok' }, sandbox: false }

/** Status and body of a probe. */
async function probe(path: string, state = up) {
  await using http = await openTestHttp({ kind: 'token', token: undefined }, () => state)
  const response = await fetch(http.url + path)
  return { status: response.status, body: await response.json() }
}

describe('probes, open to all', () => {
  test('/health says that the process lives, ready or not', async () => {
    expect(await probe('/health', { ...up, ready: false })).toEqual({
      status: 200,
      body: { status: 'ok', worker_id: 'worker-1', active_jobs: 2, uptime_seconds: 12.5, version: '1.2.3' },
    })
  })

  test.each(['/ready', '/readyz', '/_readyz'])('%s says whether jobs are taken, and if not, why', async (path) => {
    expect(await probe(path)).toMatchObject({ status: 200, body: { status: 'ready', checks: { nats: 'ok' } } })
    const down = { ...up, ready: false, checks: { nats: 'not connected', consumer: 'ok' } }
    expect(await probe(path, down)).toMatchObject({ status: 503, body: { status: 'not_ready', checks: down.checks } })
    expect(await probe(path, { ...up, draining: true })).toMatchObject({ status: 503, body: { status: 'draining' } })
  })

  test('readiness says loudly that this is a sandbox', async () => {
    expect((await probe('/ready', { ...up, sandbox: true })).body).toMatchObject({ sandbox: true })
    expect((await probe('/ready')).body).not.toHaveProperty('sandbox')
  })

  test('the probes of earlier workers are answered', async () => {
    expect(await probe('/_health')).toMatchObject({
      status: 200,
      body: { status: 'healthy', timestamp: expect.stringMatching(/Z$/) },
    })
    expect(await probe('/_build')).toEqual({ status: 200, body: { version: '1.2.3', commit: 'abc', bun: Bun.version } })
    expect(await probe('/_state')).toEqual({ status: 200, body: { ready: true, draining: false, load: 0.25 } })
    expect(await probe('/_state', { ...up, draining: true })).toMatchObject({
      status: 503,
      body: { ready: false, draining: true },
    })
  })

  test.each(['/metrics', '/_metrics'])('%s is the scrape', async (path) => {
    await using http = await openTestHttp({ kind: 'token', token: undefined })
    const plain = await fetch(http.url + path)
    expect(plain.headers.get('content-type')).toStartWith('text/plain; version=0.0.4')
    expect(await plain.text()).toContain('worker_build_info{version="1.2.3"')
    const open = await fetch(http.url + path, { headers: { accept: 'application/openmetrics-text;version=1.0.0' } })
    expect(open.headers.get('content-type')).toStartWith('application/openmetrics-text')
    expect(await open.text()).toEndWith('# EOF\n')
  })
})
