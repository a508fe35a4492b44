import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readdir, readFile } from 'node:fs/promises'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, deadLettersOf, sendAll } from '../support/fleet.ts'
import { type NatsServer, startNats } from '../support/nats-server.ts'
import { connectWire, type Wire, type WireClient } from '../support/wire-client.ts'

const settings = { JETSTREAM: 'off', WORKER_MAX_CONCURRENCY: '64', EGRESS_ALLOW_CIDRS: '127.0.0.0/8' }

/** A site that keeps what it was sent, and answers as its path asks. */
function openSite() {
  const seen: { readonly path: string; readonly method: string; readonly headers: Headers }[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url)
      seen.push({ path: url.pathname, method: request.method, headers: request.headers })
      if (url.pathname === '/hang') return new Promise<Response>(() => undefined)
      if (url.pathname === '/fail') return new Response('no', { status: 500 })
      const headers = Object.fromEntries(request.headers)
      if (url.pathname === '/mirror') {
        return Response.json({ headers, query: url.search, body: await request.text() }, { status: 418 })
      }
      if (url.pathname === '/bytes') {
        const body = new Blob([new Uint8Array([0, 255]), JSON.stringify(headers), new Uint8Array([254])])
        return new Response(body, { headers: { 'content-type': 'application/octet-stream' } })
      }
      return Response.json({ headers, query: url.search })
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    host: `127.0.0.1:${server.port}`,
    seen,
    close: () => server.stop(true),
  }
}

describe('http jobs in a process', () => {
  let server: NatsServer
  let wire: WireClient
  const site = openSite()

  beforeAll(async () => {
    server = await startNats()
    wire = await connectWire(server.url)
  }, 30_000)

  afterAll(async () => {
    await wire[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await site.close()
  })

  const run = async (type: string, payload: unknown, more: Wire = {}): Promise<Wire> => {
    const message = assignment(type, payload, more)
    wire.send(message)
    return wire.result(message.assignment_id)
  }

  test('a POST that is answered with 500 reaches the server once, whatever the caller asks for', async () => {
    await using beamline = await startBeamline(['start'], { ...settings, NATS_URL: server.url })
    await beamline.ready()
    const before = site.seen.length
    const result = await run(
      'http.request',
      { method: 'POST', url: `${site.url}/fail`, body: 'x' },
      { options: { retry: { max_attempts: 2 } } },
    )
    expect(result).toMatchObject({ status: 'error', error_code: 'HTTP_ERROR', retryable: false, attempts: 1 })
    expect(result['error_details']).toMatchObject({ status: 500, outcome: 'unknown' })
    expect(site.seen.length - before).toBe(1)
  }, 30_000)

  test('no value of a secret is in anything that a run leaves behind', async () => {
    const values = { token: 'tok-4f9a1b7c3d', name: 'robot-account', word: 'pässwörd "quoted" \\ 77' }
    const secrets = {
      SECRET_API_TOKEN: values.token,
      SECRET_API_TOKEN_HOSTS: site.host,
      SECRET_ROBOT: values.name,
      SECRET_ROBOT_HOSTS: '127.0.0.1',
      SECRET_WORD: values.word,
      SECRET_WORD_HOSTS: '127.0.0.1',
      SECRET_ELSEWHERE: 'never-sent-here',
      SECRET_ELSEWHERE_HOSTS: 'api.example.com',
    }
    await using beamline = await startBeamline(['start'], {
      ...settings,
      ...secrets,
      LOG_LEVEL: 'debug',
      NATS_URL: server.url,
    })
    const url = await beamline.ready()
    const bearer = { type: 'bearer', token: { secret: 'API_TOKEN' } }
    const basic = { type: 'basic', username: { secret: 'ROBOT' }, password: { secret: 'WORD' } }
    const inQuery = { type: 'api_key', name: 'key', value: { secret: 'API_TOKEN' }, in: 'query' }
    const before = site.seen.length
    const results = [
      await run('http', { url: `${site.url}/`, auth: bearer }),
      await run('http', { url: `${site.url}/mirror`, auth: basic }),
      await run('http', { url: `${site.url}/bytes`, auth: bearer }),
      await run('http', { url: `${site.url}/`, auth: inQuery }),
      await run('http', { url: `${site.url}/`, headers: { 'x-key': { secret: 'API_TOKEN' } } }),
      await run('graphql', { url: `${site.url}/`, query: '{ a }', auth: bearer }),
    ]
    const refused = await run('http', {
      url: `${site.url}/`,
      auth: { type: 'bearer', token: { secret: 'ELSEWHERE' } },
    })
    expect(refused).toMatchObject({ status: 'error', error_code: 'PERMISSION_DENIED' })
    expect(refused['error_details']).toMatchObject({ secret: 'ELSEWHERE' })
    // They did reach the server, which sent them back.
    const reached = site.seen.slice(before).map(({ headers }) => headers.get('authorization') ?? headers.get('x-key'))
    expect(reached).toEqual([
      `Bearer ${values.token}`,
      expect.stringMatching(/^Basic /),
      `Bearer ${values.token}`,
      null,
      values.token,
      `Bearer ${values.token}`,
    ])
    expect(results.map(({ status }) => status)).toEqual(['success', 'error', 'success', 'success', 'success', 'error'])
    expect(JSON.stringify(results)).toContain('***')
    const letters = await deadLettersOf(beamline)
    expect(letters.length).toBeGreaterThan(0)
    const left = [
      JSON.stringify([...results, refused, ...wire.deadLetters]),
      ...(await filesIn(beamline.folder)),
      await (await fetch(`${url}/metrics`)).text(),
      ...beamline.stdout,
      ...beamline.stderr,
    ].join('\n')
    const pair = Buffer.from(`${values.name}:${values.word}`)
    const forms = [...Object.values(values), 'never-sent-here'].flatMap((value) => [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value),
      Buffer.from(value).toString('base64').replace(/=+$/, ''),
    ])
    for (const form of [...forms, pair.toString('base64')]) expect(left).not.toContain(form)
    // What was binary is hidden too.
    const bytes = Buffer.from(String((results[2]?.['output'] as Wire | undefined)?.['body_base64']), 'base64')
    expect(bytes.includes(values.token)).toBe(false)
  }, 30_000)

  test('20,000 requests that end in time-outs and cancellations leave memory and open files where they were', async () => {
    await using beamline = await startBeamline(['start'], {
      ...settings,
      NATS_URL: server.url,
      WORKER_QUEUE_SIZE: '30000',
    })
    const url = await beamline.ready()
    const hang = (timeoutMs: number): Wire & { readonly assignment_id: string } =>
      assignment('http', { url: `${site.url}/hang`, timeout_ms: timeoutMs, retry: { strategy: 'none' } })
    const burst = async (count: number): Promise<void> => {
      const timedOut = Array.from({ length: count / 2 }, () => hang(15))
      // These would hang for a minute: they end because somebody asks for it.
      const cancelled = Array.from({ length: count / 2 }, () => hang(60_000))
      const mixed = timedOut.flatMap((message, index) => [message, cancelled[index] ?? message])
      await sendAll(wire, mixed)
      for (let index = 0; index < cancelled.length; index += 32) {
        const portion = cancelled.slice(index, index + 32)
        for (const { assignment_id: id } of portion) wire.cancel(id)
        await eventually(() => portion.every(({ assignment_id: id }) => wire.results.has(id)), { timeoutMs: 60_000 })
      }
      await eventually(() => mixed.every(({ assignment_id: id }) => wire.results.has(id)), { timeoutMs: 60_000 })
      const statuses = new Set(mixed.map(({ assignment_id: id }) => wire.results.get(id)?.[0]?.['status']))
      expect(statuses).toEqual(new Set(['cancelled', 'timeout']))
    }
    await burst(2000)
    await eventually(async () => (await activeJobs(url)) === 0)
    const before = await settled(beamline)
    await burst(20_000)
    await eventually(async () => (await activeJobs(url)) === 0)
    await eventually(async () => (await openFiles(beamline)) <= before.files + 5, { timeoutMs: 20_000 })
    await eventually(async () => (await residentBytes(beamline)) - before.bytes < 30_000_000, { timeoutMs: 60_000 })
  }, 240_000)
})

async function filesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`)
  return Promise.all(files.map((file) => readFile(file, 'utf8')))
}

async function activeJobs(url: string): Promise<number> {
  const health = (await (await fetch(`${url}/health`)).json()) as { readonly active_jobs: number }
  return health.active_jobs
}

async function residentBytes({ pid }: BeamlineProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
}

async function openFiles({ pid }: BeamlineProcess): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}

/** An idle process gives memory back within some seconds: what it comes to rest at is what counts. */
async function settled(beamline: BeamlineProcess): Promise<{ readonly bytes: number; readonly files: number }> {
  let bytes = await residentBytes(beamline)
  let since = performance.now()
  await eventually(
    async () => {
      const now = await residentBytes(beamline)
      if (Math.abs(now - bytes) > 2_000_000) [bytes, since] = [now, performance.now()]
      return performance.now() - since > 3000
    },
    { timeoutMs: 60_000 },
  )
  return { bytes: await residentBytes(beamline), files: await openFiles(beamline) }
}
