/** HTTP jobs in a worker: how often a request is sent, how a job ends, and what is told of it. */
import { describe, expect, test } from 'bun:test'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { startRig, type Wire, type WorkerRig } from '../../support/worker-rig.ts'
import { openSite } from './http-world.ts'

const loopback = { EGRESS_ALLOW_CIDRS: '127.0.0.0/8' }

/** Moves the clock of a test on until the result is there, slowly enough for what goes over real connections. */
async function resultOf(rig: WorkerRig, clock: FakeClock, stepMs: number): Promise<Wire> {
  await eventually(async () => {
    await clock.advance(stepMs)
    return rig.resultsOf('a-1').length > 0
  })
  return rig.result('a-1')
}

describe('a POST', () => {
  test.each([undefined, { retry: { max_attempts: 2 } }, { retry: { max_attempts: 20, backoff_ms: 0 } }])(
    'that is answered with 500 is sent once, with options %j',
    async (options) => {
      await using site = openSite(() => new Response('no', { status: 500 }))
      await using rig = await startRig({ env: loopback })
      rig.assign({ job: { type: 'http', payload: { method: 'POST', url: site.url, body: 'x' } }, options })
      const result = await rig.result('a-1')
      expect(result).toMatchObject({ status: 'error', error_code: 'HTTP_ERROR', retryable: false, attempts: 1 })
      expect(result).toMatchObject({ error_type: 'server_error', error_details: { status: 500, outcome: 'unknown' } })
      expect(result['output']).toMatchObject({ status: 500, body: 'no' })
      expect(site.seen).toHaveLength(1)
    },
  )

  test('that is cut off after it was sent is sent once', async () => {
    let connections = 0
    const server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        open: () => {
          connections++
        },
        data(socket, data) {
          if (data.includes('hello')) socket.terminate()
        },
      },
    })
    await using rig = await startRig({ env: loopback })
    const payload = { method: 'POST', url: `http://127.0.0.1:${server.port}/`, body: 'hello' }
    rig.assign({ job: { type: 'http', payload }, options: { retry: { max_attempts: 2 } } })
    const result = await rig.result('a-1')
    expect(result).toMatchObject({ error_code: 'HTTP_REQUEST_FAILED', retryable: false, attempts: 1 })
    expect(result).toMatchObject({ error_details: { outcome: 'unknown' } })
    expect(connections).toBe(1)
    server.stop(true)
  })

  test('that certainly did not leave is tried again', async () => {
    await using rig = await startRig({ env: loopback })
    const retry = { max_attempts: 3, base_ms: 0 }
    rig.assign({ job: { type: 'http', payload: { method: 'POST', url: 'http://127.0.0.1:1/', body: 'x', retry } } })
    expect(await rig.result('a-1')).toMatchObject({ error_code: 'HTTP_REQUEST_FAILED', retryable: true, attempts: 3 })
  })

  test('with an Idempotency-Key is tried again, with the same key', async () => {
    await using site = openSite(() => new Response('', { status: site.seen.length < 3 ? 503 : 200 }))
    await using rig = await startRig({ env: loopback })
    const payload = { method: 'POST', url: site.url, body: 'x', idempotency_key: true, retry: { base_ms: 0 } }
    rig.assign({ job: { type: 'http', payload } })
    expect(await rig.result('a-1')).toMatchObject({ status: 'success', attempts: 3, output: { attempts: 3 } })
    expect(new Set(site.seen.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1)
  })

  test('whose answer a transform fails over is sent once', async () => {
    await using site = openSite()
    await using rig = await startRig({ env: loopback })
    const payload = { method: 'POST', url: site.url, body: 'x', transform: { response: 'abs(body)' } }
    rig.assign({ job: { type: 'http', payload }, options: { retry: { max_attempts: 3 } } })
    const result = await rig.result('a-1')
    expect(result).toMatchObject({ error_code: 'JMESPATH_RUNTIME_ERROR', retryable: false, output: { body: 'x' } })
    expect(site.seen).toHaveLength(1)
  })
})

describe('a GET', () => {
  test('is tried four times, and not more when the options say so as well', async () => {
    await using site = openSite(() => new Response('', { status: 503 }))
    const clock = new FakeClock()
    await using rig = await startRig({ env: loopback, clock })
    rig.assign({
      job: { type: 'http', payload: { url: site.url, retry: {} } },
      options: { retry: { max_attempts: 9 } },
    })
    const result = await resultOf(rig, clock, 50)
    expect(result).toMatchObject({ error_code: 'HTTP_ERROR', retryable: true, attempts: 4 })
    expect(site.seen).toHaveLength(4)
  })

  test('is tried as often as the options say, when the payload says nothing', async () => {
    await using site = openSite(() => new Response('', { status: 503 }))
    await using rig = await startRig({ env: loopback })
    rig.assign({
      job: { type: 'http', payload: { url: site.url } },
      options: { retry: { max_attempts: 2, backoff_ms: 1 } },
    })
    expect(await rig.result('a-1')).toMatchObject({ attempts: 2 })
    expect(site.seen).toHaveLength(2)
  })

  test('waits as long as Retry-After says', async () => {
    await using site = openSite(() =>
      site.seen.length === 1 ? new Response('', { status: 429, headers: { 'retry-after': '120' } }) : new Response('x'),
    )
    const clock = new FakeClock()
    await using rig = await startRig({ env: loopback, clock })
    rig.assign({ job: { type: 'http', payload: { url: site.url } } })
    await rig.log.first(({ message }) => message === 'Job retrying')
    await clock.advance(119_000)
    expect(site.seen).toHaveLength(1)
    const result = await resultOf(rig, clock, 1000)
    expect(result).toMatchObject({ status: 'success', attempts: 2 })
    expect(Number(result['latency_ms'])).toBeWithin(120_000, 130_000)
  })

  test.each([
    ['the time left', '120', { deadline_ms: 60_000 }],
    ['ten minutes', '601', {}],
  ])('does not wait longer than %s', async (_, seconds, options) => {
    await using site = openSite(() => new Response('', { status: 429, headers: { 'retry-after': seconds } }))
    await using rig = await startRig({ env: loopback })
    rig.assign({ job: { type: 'http', payload: { url: site.url } }, options })
    expect(await rig.result('a-1')).toMatchObject({ error_code: 'HTTP_ERROR', retryable: true, attempts: 1 })
  })
})

test('a job that runs out of time ends as such, and what it was sent leaves no slot taken', async () => {
  await using site = openSite(() => new Promise<Response>(() => undefined))
  await using rig = await startRig({ env: loopback })
  const payload = { url: site.url, timeout_ms: 30, retry: { strategy: 'none' } }
  rig.assign({ job: { type: 'http', payload } })
  expect(await rig.result('a-1')).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT', attempts: 1 })
  expect(rig.role.activeJobs).toBe(0)
})

test('in sandbox mode nothing is sent', async () => {
  await using site = openSite()
  await using rig = await startRig({ env: { ...loopback, WORKER_SANDBOX_MODE: 'true' } })
  rig.assign({ job: { type: 'http.request', payload: { url: site.url, method: 'DELETE' } } })
  expect(await rig.result('a-1')).toMatchObject({ status: 'success', sandbox: true, output: { status: 200 } })
  expect(site.seen).toEqual([])
})

test('no address of this machine is reached unless that is allowed', async () => {
  await using site = openSite()
  await using rig = await startRig()
  rig.assign({ job: { type: 'http', payload: { url: site.url } } })
  const result = await rig.result('a-1')
  expect(result).toMatchObject({ error_code: 'PERMISSION_DENIED', retryable: false, attempts: 1 })
  expect(result).toMatchObject({ error_details: { rule: 'special_address' } })
  expect(site.seen).toEqual([])
})

test('no secret is in anything that is told of jobs, whatever the server sends back', async () => {
  const token = 'tok-4f9a1b7c3d'
  const name = 'robot-account'
  const issued = 'issued-0011223344'
  const pair = Buffer.from(`${name}:${token}`).toString('base64')
  await using site = openSite(({ path, headers, search, body }) => {
    if (path === '/token') return Response.json({ access_token: issued, expires_in: 60 })
    const echo = { headers: Object.fromEntries(headers), search, body }
    if (path === '/bytes') {
      const bytes = Buffer.concat([Buffer.from([0, 255]), Buffer.from(JSON.stringify(echo))])
      return new Response(bytes, { headers: { 'content-type': 'application/octet-stream' } })
    }
    const set = { 'x-echo': headers.get('authorization') ?? '', 'set-cookie': `a=${headers.get('authorization')}` }
    return Response.json(echo, { status: path === '/fail' ? 418 : 200, headers: set })
  })
  await using rig = await startRig({
    env: {
      ...loopback,
      SECRET_TOKEN: token,
      SECRET_TOKEN_HOSTS: site.host,
      SECRET_NAME: name,
      SECRET_NAME_HOSTS: site.host,
    },
  })
  const secret = { secret: 'TOKEN' }
  const auths = [
    { type: 'bearer', token: secret },
    { type: 'basic', username: { secret: 'NAME' }, password: secret },
    { type: 'api_key', name: 'x-key', value: secret },
    { type: 'api_key', name: 'key', value: secret, in: 'query' },
    {
      type: 'oauth2_client_credentials',
      token_url: `${site.url}/token`,
      client_id: { secret: 'NAME' },
      client_secret: secret,
    },
  ]
  const jobs = auths.flatMap((auth) =>
    ['/', '/fail', '/bytes'].map((path) => ({
      type: 'http',
      payload: { url: site.url + path, auth, transform: { response: 'body.headers.authorization' } },
    })),
  )
  jobs.forEach((job, index) => {
    rig.assign({ assignment_id: `j-${index}`, job })
  })
  const results = await Promise.all(jobs.map((_, index) => rig.result(`j-${index}`)))
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['success', 'error']))
  const letters = await rig.deadLetters()
  expect(letters).toHaveLength(auths.length)
  const bytes = results.flatMap(({ output }) => {
    const base64 = (output as Wire | undefined)?.['body_base64']
    return typeof base64 === 'string' ? [Buffer.from(base64, 'base64').toString()] : []
  })
  expect(bytes).toHaveLength(auths.length)
  const { body: metrics } = await rig.metrics.text()
  const said = JSON.stringify([results, letters, rig.log.all, rig.notifications.all, bytes, metrics])
  expect(said).toContain('Bearer ***')
  for (const value of [token, name, issued, pair]) {
    expect(said).not.toContain(value)
    expect(said).not.toContain(Buffer.from(value).toString('base64').replace(/=+$/, ''))
  }
})
