/** Bodies that are taken as they arrive. */
import { describe, expect, test } from 'bun:test'
import { gzipSync } from 'node:zlib'
import { JobError } from '../../../src/errors.ts'
import type { BodySink } from '../../../src/services/fetch/fetch.ts'
import { eventually } from '../../support/eventually.ts'
import { RawHttpServer, response } from '../../support/raw-http-server.ts'
import { failureOf, get, never, openTestFetch } from './fetch-rig.ts'

/** What a sink was given, and how that ended. */
class Gathering implements BodySink {
  readonly limit: number
  readonly heads: unknown[] = []
  bytes = Buffer.alloc(0)
  ended: 'whole' | 'broken' | undefined

  constructor(limit = 1_000_000) {
    this.limit = limit
  }

  wants(status: number): boolean {
    return status === 200
  }

  async take(head: unknown, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    this.heads.push(head)
    this.ended = 'broken'
    for await (const piece of pieces) this.bytes = Buffer.concat([this.bytes, piece])
    this.ended = 'whole'
  }
}

const plain = Buffer.from('hello, '.repeat(20_000))

describe('a body that is taken as it arrives', () => {
  test.each([
    ['with a length', response(200, {}, plain)],
    ['in gzip', response(200, { 'content-encoding': 'gzip' }, gzipSync(plain))],
    ['of nothing', response(200, {}, '')],
  ])('%s comes whole, with the headers that fit it, and the answer is empty', async (what, answer) => {
    await using server = await RawHttpServer.start((socket) => socket.write(answer))
    await using fetch = openTestFetch({ maxResponseBytes: 10 })
    for (let turn = 0; turn < 2; turn++) {
      const sink = new Gathering()
      const answered = await fetch.request(get(server.url(), { sink }), never)
      expect(answered).toMatchObject({ status: 200, body: new Uint8Array() })
      expect(answered.headers.has('content-encoding')).toBe(false)
      expect(sink.ended).toBe('whole')
      expect(sink.heads).toEqual([{ status: 200, url: server.url(), headers: answered.headers }])
      expect(sink.bytes.equals(what === 'of nothing' ? Buffer.alloc(0) : plain)).toBe(true)
    }
    expect(server.connections).toBe(1)
  })

  test('is none of its business when its status is another', async () => {
    await using server = await RawHttpServer.start((socket) => socket.write(response(404, {}, 'nothing here')))
    await using fetch = openTestFetch()
    const sink = new Gathering()
    const answered = await fetch.request(get(server.url(), { sink }), never)
    expect(Buffer.from(answered.body).toString()).toBe('nothing here')
    expect(sink.heads).toEqual([])
  })

  test.each([
    ['by its length', response(200, {}, plain)],
    ['after decompression', response(200, { 'content-encoding': 'gzip' }, gzipSync(plain))],
  ])('may not be larger than the sink allows, %s', async (_, answer) => {
    await using server = await RawHttpServer.start((socket) => socket.write(answer))
    await using fetch = openTestFetch()
    const sink = new Gathering(100_000)
    const failure = await failureOf(fetch.request(get(server.url(), { sink }), never))
    expect(failure).toMatchObject({ code: 'QUOTA_EXCEEDED', error: { details: { limit: 100_000 } } })
    expect(sink.ended).not.toBe('whole')
  })

  const half = plain.subarray(0, 70_000)
  test.each([
    ['with a length', Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${plain.length}\r\n\r\n`), half])],
    [
      'in chunks',
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${plain.length.toString(16)}\r\n`),
        half,
      ]),
    ],
  ])('that is cut off %s never ends in order', async (_, answer) => {
    await using server = await RawHttpServer.start((socket) => socket.end(answer))
    await using fetch = openTestFetch()
    const sink = new Gathering()
    const failure = await failureOf(fetch.request(get(server.url(), { sink }), never))
    expect(failure).toMatchObject({ code: 'HTTP_REQUEST_FAILED', reason: 'incomplete', unsent: false })
    expect(sink.ended).toBe('broken')
  })

  test('never ends in order when the request is called off, and the sink is waited for', async () => {
    for (const [coding, bytes] of [
      ['identity', half],
      ['gzip', gzipSync(plain).subarray(0, -20)],
    ] as const) {
      const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: 500000\r\n\r\n`
      await using server = await RawHttpServer.start((socket) =>
        socket.write(Buffer.concat([Buffer.from(head), bytes])),
      )
      await using fetch = openTestFetch()
      const sink = new Gathering()
      const controller = new AbortController()
      const asked = fetch.request(get(server.url(), { sink }), controller.signal)
      await eventually(() => sink.bytes.length > 0)
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(asked).rejects.toBe(reason)
      expect(sink.ended).toBe('broken')
      await eventually(() => server.closedConnections === server.connections)
    }
  })

  test.each([
    ['at once', 0],
    ['on the way', 1],
  ])('that the sink refuses %s is left, with its connection', async (_, after) => {
    await using server = await RawHttpServer.start((socket) =>
      socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n'), half])),
    )
    await using fetch = openTestFetch()
    const refusal = new JobError('QUOTA_EXCEEDED', 'No room')
    const sink: BodySink = {
      limit: 1_000_000,
      wants: () => true,
      async take(_head, pieces) {
        let count = 0
        if (after === 0) throw refusal
        for await (const _piece of pieces) if (++count === after) throw refusal
      },
    }
    await expect(fetch.request(get(server.url(), { sink }), never)).rejects.toBe(refusal)
    await eventually(() => server.closedConnections === server.connections)
  })
})
