/** Responses that go into the file store. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { eventually } from '../../support/eventually.ts'
import { RawHttpServer, response } from '../../support/raw-http-server.ts'
import { type HttpWorld, openHttpWorld, openSite, type Site } from './http-world.ts'

const secret = 'the secret of the house'
const signal = new AbortController().signal

let world: HttpWorld
let site: Site
let next: () => Response

beforeAll(async () => {
  world = await openHttpWorld({ env: { SECRET_HOUSE: secret, SECRET_HOUSE_HOSTS: '*', FS_MAX_BLOB_BYTES: '1MB' } })
  site = openSite(() => next())
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

function save(save_to: unknown, more: Readonly<Record<string, unknown>> = {}) {
  return { url: site.url, save_to, ...more }
}

async function stored(path: string): Promise<string | undefined> {
  try {
    await using reading = await world.services.blobs.read('acme', path, { signal })
    return Buffer.from(await reading.bytes(1e9)).toString()
  } catch {
    return undefined
  }
}

const put = (path: string, content: string) =>
  world.services.blobs.put('acme', path, Buffer.from(content), { overwrite: true, signal })

describe('a response that is saved', () => {
  test('stands in the store as it came, and not in the output', async () => {
    next = () => new Response('{"a":1}', { headers: { 'content-type': 'application/json' } })
    const output = await world.run('http', save('save/a.json'))
    const sha256 = '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862'
    expect(output).toMatchObject({ status: 200, saved: { path: 'save/a.json', size: 7, sha256 } })
    expect(output).not.toHaveProperty('body')
    expect(output).not.toHaveProperty('body_base64')
    expect(await stored('save/a.json')).toBe('{"a":1}')
    expect(await world.services.blobs.stat('acme', 'save/a.json', signal)).toMatchObject({
      contentType: 'application/json',
    })
  })

  test('may be told more of', async () => {
    next = () => new Response('a,b', { headers: { 'content-type': 'text/plain' } })
    const about = { content_type: 'text/csv', metadata: { by: 'me' }, ttl_seconds: 3600 }
    await world.run('http', save({ path: 'save/b.csv', ...about }, { include_body: false }))
    const { contentType, metadata, expires } = await world.services.blobs.stat('acme', 'save/b.csv', signal)
    expect({ contentType, metadata }).toEqual({ contentType: 'text/csv', metadata: { by: 'me' } })
    expect(expires).toBeString()
  })

  test('is decompressed, and may be larger than what else is read', async () => {
    const small = await openHttpWorld({ env: { HTTP_MAX_RESPONSE_BYTES: '1KB' } })
    await using _closed = small
    const text = 'hello, '.repeat(20_000)
    next = () => new Response(gzipSync(text), { headers: { 'content-encoding': 'gzip' } })
    expect(await small.run('http', save('a'))).toMatchObject({ saved: { size: text.length } })
    next = () => new Response(text, { status: 404 })
    expect(await small.failure('http', save('a'))).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  })

  test('is what redirects lead to', async () => {
    const answers = [() => Response.redirect(`${site.url}/there`, 302), () => new Response('there')]
    next = () => answers.shift()?.() ?? new Response('too many')
    expect(await world.run('http', save('save/redirected'))).toMatchObject({ saved: { size: 5 } })
  })
})

describe('what is not saved', () => {
  test.each([
    [204, null, {}],
    [304, null, {}],
    [404, 'nothing here', { ok_status: 'any' }],
    [302, 'elsewhere', { follow_redirects: false }],
  ])('status %d: the output is as usual', async (status, body, more) => {
    await put('save/kept', 'what was there')
    next = () => new Response(body, { status, headers: { 'content-type': 'text/plain' } })
    const output = await world.run('http', save('save/kept', more))
    expect(output).toMatchObject({ status, body: body ?? '' })
    expect(output).not.toHaveProperty('saved')
    expect(await stored('save/kept')).toBe('what was there')
  })

  test('an error, which has its body', async () => {
    next = () => new Response('not now', { status: 503, headers: { 'content-type': 'text/plain' } })
    const failure = await world.failure('http', save('save/error'))
    expect(failure).toMatchObject({ code: 'HTTP_ERROR', output: { status: 503, body: 'not now' } })
    expect(await stored('save/error')).toBeUndefined()
  })
})

describe('what goes wrong leaves nothing behind', () => {
  const all = () => readdir(`${world.folder}/blobs/broken`).catch(() => [])
  /** Without what is noted of blobs. */
  const folder = async () => (await all()).filter((name) => !/^\.beamline-[0-9a-f]{32}\.\d+$/.test(name))

  const half = `HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n${'a'.repeat(90_000)}`
  const inChunks = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${(500_000).toString(16)}\r\n${'a'.repeat(90_000)}`
  test.each([
    ['a length', half],
    ['chunks', inChunks],
    ['a compressed body', response(200, { 'content-encoding': 'gzip' }, gzipSync('a'.repeat(90_000)).subarray(0, 50))],
  ])('a body with %s that is cut off', async (_, answer) => {
    await using server = await RawHttpServer.start((socket) => socket.end(answer))
    await put('broken/was-there', 'before')
    for (const path of ['broken/new', 'broken/was-there']) {
      const failure = await world.failure('http', { url: server.url().href, save_to: path })
      expect(failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', retry: 'backoff', unsent: false })
    }
    expect(await folder()).toEqual(['was-there'])
    expect(await stored('broken/was-there')).toBe('before')
  })

  test('a body that is too large, said or unsaid', async () => {
    for (const body of [
      new Uint8Array(1_000_001),
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(1_000_001))
          controller.close()
        },
      }),
    ]) {
      next = () => new Response(body)
      const failure = await world.failure('http', save('broken/large'))
      expect(failure).toMatchObject({ code: 'QUOTA_EXCEEDED', details: { limit: 1_000_000 } })
    }
    expect(await folder()).not.toContain('large')
  })

  test('a job that is stopped', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(half))
    const controller = new AbortController()
    const payload = { url: server.url().href, save_to: 'broken/stopped' }
    const before = (await all()).length
    const run = world.run('http', payload, { signal: controller.signal })
    await eventually(async () => (await folder()).some((name) => name.includes('tmp')))
    const reason = new Error('stop')
    controller.abort(reason)
    await expect(run).rejects.toBe(reason)
    await eventually(async () => !(await folder()).some((name) => name.includes('tmp')))
    expect(await folder()).not.toContain('stopped')
    expect((await all()).length).toBe(before)
  })
})

describe('what the store refuses', () => {
  afterEach(() => {
    next = () => new Response('x')
  })

  test.each([
    ['../a', 'INVALID_PATH'],
    [{ path: 'save/there', overwrite: false }, 'FILE_EXISTS'],
    [{ path: 'save/there', if_sha256: '0'.repeat(64) }, 'PRECONDITION_FAILED'],
    [{ path: 'save/nothing', if_sha256: '0'.repeat(64) }, 'PRECONDITION_FAILED'],
  ])('%j is refused before anything is sent', async (saveTo, code) => {
    await put('save/there', 'x')
    const before = site.seen.length
    const failure = await world.failure('http', save(saveTo, { method: 'POST' }))
    expect(failure).toMatchObject({ code, unsent: true })
    expect(site.seen.length).toBe(before)
  })

  test('what it refuses later is told with the response, and a POST is not sent again', async () => {
    next = () => {
      // Somebody is quicker.
      void put('save/raced', 'theirs')
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await eventually(async () => (await stored('save/raced')) !== undefined)
            controller.enqueue(Buffer.from('ours'))
            controller.close()
          },
        }),
        { headers: { 'x-a': 'b' } },
      )
    }
    const failure = await world.failure('http', save({ path: 'save/raced', overwrite: false }, { method: 'POST' }))
    expect(failure).toMatchObject({
      code: 'FILE_EXISTS',
      unsent: false,
      output: { status: 200, headers: { 'x-a': 'b' } },
    })
    expect(await stored('save/raced')).toBe('theirs')
  })

  test.each([
    [{ method: 'HEAD', save_to: 'a' }, 'save_to'],
    [{ save_to: 'a', transform: { response: 'body' } }, 'transform.response'],
    [{ save_to: 7 }, 'save_to'],
    [{ save_to: {} }, 'save_to.path'],
    [{ save_to: { path: 'a', mode: 7 } }, 'save_to'],
    [{ save_to: { path: 'a', ttl_seconds: 'long' } }, 'save_to.ttl_seconds'],
  ])('%j is refused', (payload, field) => {
    const refused = () => world.prepare('http', { url: site.url, ...payload })
    expect(refused).toThrow(expect.objectContaining({ details: { fields: [expect.objectContaining({ field })] } }))
  })

  test('null means that nothing is saved', async () => {
    next = () => new Response('x', { headers: { 'content-type': 'text/plain' } })
    expect(await world.run('http', save(null))).toMatchObject({ body: 'x' })
  })
})

test('saving has an effect, which may be repeated where the request may', () => {
  const effect = (more: object) => world.prepare('http', { url: site.url, ...more }).effect
  expect(effect({})).toBe('none')
  expect(effect({ save_to: 'a' })).toBe('idempotent')
  expect(effect({ save_to: 'a', method: 'POST' })).toBe('once')
})

test('what stands there counts, not what was noted of it', async () => {
  const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')
  await put('save/written', 'noted')
  await writeFile(`${world.folder}/blobs/save/written`, 'by others')
  const requests = site.seen.length
  const stale = await world.failure('http', save({ path: 'save/written', if_sha256: sha256('noted') }))
  expect(stale).toMatchObject({ code: 'PRECONDITION_FAILED', details: { reason: 'changed' } })
  expect(site.seen.length).toBe(requests)
  next = () => new Response('ours')
  await world.run('http', save({ path: 'save/written', if_sha256: sha256('by others') }))
  expect(await stored('save/written')).toBe('ours')
})

test('a secret in the content type is not stored', async () => {
  next = () => new Response('x', { headers: { 'content-type': `text/plain; a="${secret}"` } })
  const auth = { type: 'bearer', token: { secret: 'house' } }
  await world.run('http', save('save/typed', { auth }))
  const { contentType } = await world.services.blobs.stat('acme', 'save/typed', signal)
  expect(contentType).toBe('text/plain; a="***"')
})

test('a secret that the server sends back is not stored, wherever the response is cut', async () => {
  const text = `${'x'.repeat(70_000)}${secret}${'y'.repeat(70_000)}${Buffer.from(secret).toString('hex')}`
  await using server = await RawHttpServer.start((socket) => {
    const bytes = Buffer.from(response(200, {}, text))
    for (let at = 0; at < bytes.length; at += 7001) socket.write(bytes.subarray(at, at + 7001))
  })
  const auth = { type: 'bearer', token: { secret: 'house' } }
  const output = await world.run('http', { url: server.url().href, save_to: 'save/echo', auth })
  expect(server.requests[0]?.headers.get('authorization')).toBe(`Bearer ${secret}`)
  const expected = `${'x'.repeat(70_000)}***${'y'.repeat(70_000)}***`
  expect(await stored('save/echo')).toBe(expected)
  expect(output['saved']).toMatchObject({ size: expected.length })
})
