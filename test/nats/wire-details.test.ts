import { describe, expect, test } from 'bun:test'
import type { Msg } from '@nats-io/nats-core'
import fc from 'fast-check'
import { messageSize } from '../../src/bus/message-size.ts'
import { writeHeaders } from '../../src/nats/headers.ts'
import { readStamp } from '../../src/nats/jetstream-delivery.ts'
import { readPubAck } from '../../src/nats/pub-ack.ts'

describe('headers', () => {
  test('whatever is written, the lines are those that were meant, and their size is known', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'binary-ascii' })), (headers) => {
        const written = writeHeaders(headers)
        if (written === undefined) return
        // The client's own class has `encode`; its interface does not.
        const lines = new TextDecoder().decode((written as unknown as { encode(): Uint8Array }).encode()).split('\r\n')
        expect(lines).toHaveLength(written.keys().length + 3)
      }),
    )
  })

  test('the size of a message counts them as they travel', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[A-Za-z-]{1,9}$/), fc.stringMatching(/^[a-z0-9]{1,9}$/)),
        (headers) => {
          const encoded = writeHeaders(headers) as unknown as { encode(): Uint8Array } | undefined
          const size = messageSize({ subject: 's', body: new Uint8Array(5), headers })
          expect(size).toBe(5 + (encoded?.encode().byteLength ?? 0))
        },
      ),
    )
  })
})

describe('the stamp of a stored message', () => {
  test('is read in both forms', () => {
    expect(readStamp('$JS.ACK.CAF_EXEC.caf-workers.3.41.7.1700000000000000000.9')).toEqual({
      deliveries: 3,
      streamSequence: 41,
    })
    expect(readStamp('$JS.ACK.hub.ACCHASH.CAF_EXEC.caf-workers.2.40.6.1700000000000000000.9.token')).toEqual({
      deliveries: 2,
      streamSequence: 40,
    })
  })

  test('is not read where there is none', () => {
    for (const reply of ['', '_INBOX.x', '$JS.ACK.a.b.c', '$JS.ACK.a.b.x.y.1.1.1'])
      expect(readStamp(reply)).toBeUndefined()
  })
})

describe('a PubAck', () => {
  const answer = (body: string): Msg =>
    // Only `json` is read.
    ({ json: () => JSON.parse(body) }) as unknown as Msg

  test('says stored, or why not', () => {
    expect(readPubAck(answer('{"stream":"R","seq":1}'), false)).toEqual({})
    expect(readPubAck(answer('{"stream":"R","seq":1,"duplicate":true}'), true)).toEqual({})
    expect(readPubAck(answer('{"error":{"code":400,"description":"full"},"stream":"R"}'), false)).toEqual({
      error: 'full',
    })
    expect(readPubAck(answer('{"error":{"code":503}}'), true)).toEqual({ error: 'unknown' })
  })

  test('is not what a subscriber answers', () => {
    for (const body of ['', 'null', '7', '[]', '{"status":"ok"}', '{"error":"no"}', '{"stream":1,"seq":1}'])
      expect(readPubAck(answer(body), false)).toBeUndefined()
  })
})
