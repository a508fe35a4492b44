import { describe, expect, test } from 'bun:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { systemClock } from '../../../src/lib/clock.ts'
import { eventually } from '../../support/eventually.ts'
import { type RawAnswer, RawHttpServer, response } from '../../support/raw-http-server.ts'
import { failureOf, get, never, openTestFetch } from './fetch-rig.ts'

const plain = Buffer.from('hello, '.repeat(20_000))
const maxResponseBytes = 1_000_000
const tooLarge = { code: 'QUOTA_EXCEEDED', retry: 'never', unsent: false } as const

const chunked = (bytes: Uint8Array, headers = ''): Buffer =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\n${headers}transfer-encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from('\r\n0\r\n\r\n'),
  ])

describe('a compressed body', () => {
  const bodies: readonly (readonly [coding: string, bytes: Uint8Array])[] = [
    ['gzip', gzipSync(plain)],
    ['x-gzip', gzipSync(plain)],
    ['GZIP', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
    ['deflate', deflateRawSync(plain)],
    ['br', brotliCompressSync(plain)],
    ['zstd', zstdCompressSync(plain)],
    ['gzip, br', brotliCompressSync(gzipSync(plain))],
    ['identity', plain],
    ['gzip', Buffer.concat([gzipSync(plain.subarray(0, 999)), gzipSync(plain.subarray(999))])],
  ]
  test.each(bodies)('in %s is decompressed', async (coding, bytes) => {
    const answers = [
      response(200, { 'content-encoding': coding }, bytes),
      chunked(bytes, `content-encoding: ${coding}\r\n`),
    ]
    await using server = await RawHttpServer.start((socket, { turn }) => socket.write(answers[turn - 1] ?? ''))
    await using fetch = openTestFetch()
    for (const _ of answers) {
      const answer = await fetch.request(get(server.url()), never)
      expect(plain.equals(answer.body)).toBe(true)
      if (coding === 'identity') continue
      expect(answer.headers.has('content-encoding')).toBe(false)
      expect(answer.headers.has('content-length')).toBe(false)
    }
    expect(server.connections).toBe(1)
  })

  test.each(['compress', 'gzip, x', 'gzip, gzip, gzip'])('in %s is left as it is', async (coding) => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(response(200, { 'content-encoding': coding }, 'bytes')),
    )
    await using fetch = openTestFetch()
    const answer = await fetch.request(get(server.url()), never)
    expect(Buffer.from(answer.body).toString()).toBe('bytes')
    expect(answer.headers.get('content-encoding')).toBe(coding)
  })

  test('of nothing is nothing', async () => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(response(200, { 'content-encoding': 'gzip' })),
    )
    await using fetch = openTestFetch()
    expect((await fetch.request(get(server.url()), never)).body).toHaveLength(0)
  })

  test.each([
    ['is something else', Buffer.from('this is no gzip')],
    ['ends too early', gzipSync(plain).subarray(0, 100)],
    ['is damaged', gzipSync(plain).fill(7, 40, 90)],
  ])('that %s fails', async (_, bytes) => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(response(200, { 'content-encoding': 'gzip' }, bytes)),
    )
    await using fetch = openTestFetch()
    const failure = await failureOf(fetch.request(get(server.url()), never))
    expect(failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', reason: 'encoding', unsent: false })
  })

  const large = Buffer.alloc(200_000_000)
  test.each([
    ['gzip', gzipSync(large)],
    ['br', brotliCompressSync(large.subarray(0, 20_000_000))],
    ['zstd', zstdCompressSync(large)],
    ['gzip, gzip', gzipSync(gzipSync(large))],
  ])('in %s that is a bomb stops at the limit, in little memory', async (coding, bytes) => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(response(200, { 'content-encoding': coding }, bytes)),
    )
    await using fetch = openTestFetch({ maxResponseBytes })
    Bun.gc(true)
    const before = process.memoryUsage.rss()
    for (let count = 0; count < 20; count++) {
      expect(await failureOf(fetch.request(get(server.url()), never))).toMatchObject(tooLarge)
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(60_000_000)
  })
})

describe('a compressed body that is made to keep a decoder busy', () => {
  /** A gzip stream of blocks that hold nothing. */
  const emptyBlocks = (bytes: number): Buffer => {
    const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
    const end = Buffer.from([1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0])
    return Buffer.concat([head, Buffer.alloc(bytes, Buffer.from([0, 0, 0, 0xff, 0xff])), end])
  }

  /** What this process computes within so many milliseconds of real time, on all its threads. */
  async function busyMs(withinMs: number): Promise<number> {
    const before = process.cpuUsage()
    await systemClock.sleep(withinMs)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }

  test.each([
    ['that gives nothing', 50_000_000, { code: 'HTTP_REQUEST_FAILED', reason: 'encoding' }],
    ['whose first stage is over the limit', 500_000, { code: 'QUOTA_EXCEEDED' }],
  ])('%s ends when that is seen', async (_, limit, expected) => {
    const body = gzipSync(emptyBlocks(20_000_000))
    await using server = await RawHttpServer.start((socket) =>
      socket.write(response(200, { 'content-encoding': 'gzip, gzip' }, body)),
    )
    await using fetch = openTestFetch({ maxResponseBytes: limit })
    expect(await failureOf(fetch.request(get(server.url()), never))).toMatchObject(expected)
  })

  /** What is compressed piece by piece is decompressed as one: gigabytes of it cost little to make. */
  const repeated = (first: Uint8Array, rest: Uint8Array): Buffer => {
    const piece = gzipSync(rest)
    return Buffer.concat([gzipSync(first), ...Array.from({ length: 60 }, () => piece)])
  }
  const nothing = emptyBlocks(40_000_000)
  test.each([
    ['gzip', repeated(Buffer.alloc(1), Buffer.alloc(40_000_000))],
    ['gzip, gzip', repeated(nothing.subarray(0, -13), nothing.subarray(10, -13))],
  ])('in %s computes no more once the request has ended', async (coding, bytes) => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(response(200, { 'content-encoding': coding }, bytes)),
    )
    await using fetch = openTestFetch({ maxResponseBytes: 1_000_000_000 })
    const controllers = Array.from({ length: 8 }, () => new AbortController())
    const answers = controllers.map(({ signal }) => fetch.request(get(server.url()), signal).catch(() => 'ended'))
    await eventually(() => server.requests.length === answers.length)
    await systemClock.sleep(20)
    for (const controller of controllers) controller.abort()
    await Promise.all(answers)
    await eventually(async () => (await busyMs(100)) < 30, { timeoutMs: 1500 })
  })
})

describe('the size of a body', () => {
  /** Sends 50 MB as fast as they are taken. */
  const endless =
    (head: string): RawAnswer =>
    (socket) => {
      const piece = Buffer.alloc(65_536, 'a')
      let left = 50_000_000
      const send = (): void => {
        while (left > 0 && !socket.destroyed) {
          left -= piece.length
          if (!socket.write(piece)) return void socket.once('drain', send)
        }
      }
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n`)
      send()
    }

  test.each([
    ['is told', 'content-length: 50000000\r\n'],
    ['is not told', ''],
  ])('may not be over the limit: 50 MB whose length %s stop, and the connection is closed', async (_, head) => {
    await using server = await RawHttpServer.start(endless(head))
    await using fetch = openTestFetch({ maxResponseBytes })
    const failure = await failureOf(fetch.request(get(server.url()), never))
    expect(failure).toMatchObject(tooLarge)
    expect(failure.error.details).toMatchObject({ limit: maxResponseBytes })
    await eventually(() => server.closedConnections === 1)
  })

  test.each([
    ['before', 'content-length: 5\r\ntransfer-encoding: chunked\r\n'],
    ['after', 'transfer-encoding: chunked\r\ncontent-length: 5\r\n'],
    ['beside a coding,', 'content-length: 5\r\ntransfer-encoding: gzip, chunked\r\n'],
  ])('may not be over the limit where a length is told %s chunks', async (_, head) => {
    await using server = await RawHttpServer.start((socket) => {
      const piece = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 'a'), Buffer.from('\r\n')])
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n`)
      for (let count = 0; count < 800; count++) socket.write(piece)
    })
    await using fetch = openTestFetch({ maxResponseBytes })
    expect(await failureOf(fetch.request(get(server.url()), never))).toMatchObject(tooLarge)
    await eventually(() => server.closedConnections === 1)
  })

  test('may be exactly the limit, and not one byte more', async () => {
    await using server = await RawHttpServer.start((socket, { target }) => {
      const bytes = Buffer.alloc(Number(target.slice(2)))
      socket.write(target.startsWith('/c') ? chunked(bytes) : response(200, {}, bytes))
    })
    await using fetch = openTestFetch({ maxResponseBytes: 1000 })
    for (const kind of ['c', 'l']) {
      expect((await fetch.request(get(server.url(`/${kind}1000`)), never)).body).toHaveLength(1000)
      expect(await failureOf(fetch.request(get(server.url(`/${kind}1001`)), never))).toMatchObject(tooLarge)
    }
  })

  test('without a length ends where the server closes', async () => {
    await using server = await RawHttpServer.start((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nabc'))
    await using fetch = openTestFetch()
    expect(Buffer.from((await fetch.request(get(server.url()), never)).body).toString()).toBe('abc')
  })
})
