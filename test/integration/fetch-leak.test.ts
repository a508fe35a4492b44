/** Requests that end badly leave nothing behind. */
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'
import { get, once, openTestFetch } from '../services/fetch/fetch-rig.ts'
import { eventually } from '../support/eventually.ts'
import { type RawAnswer, RawHttpServer, response } from '../support/raw-http-server.ts'

const mostGrowth = 30_000_000

/** Half answers of every kind, so that the end meets every state. */
const half: RawAnswer = (socket, { target }) => {
  const kind = Number(target.slice(1)) % 4
  if (kind === 1) socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n${'a'.repeat(50_000)}`)
  if (kind === 2) socket.write(`HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(50_000)}`)
  if (kind === 3) socket.write(Buffer.concat([response(200, { 'content-encoding': 'gzip' }, 'x').subarray(0, -1)]))
}

const openFiles = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)

test(
  '5,000 aborted and timed-out requests leave memory and open files where they were',
  async () => {
    await using server = await RawHttpServer.start(half)
    await using fetch = openTestFetch()
    let next = 0
    const one = async (): Promise<void> => {
      const count = next++
      const make = count % 2 === 0 ? get : once
      const controller = new AbortController()
      // Each a tenant of its own, so that no circuit breaker steps in.
      const parts = { tenantId: `${count}`, ...(count % 3 === 0 && { firstByteTimeoutMs: 2 }) }
      const timer = systemClock.after(1 + (count % 5), () => controller.abort())
      const ended = await fetch.request(make(server.url(`/${count}`), parts), controller.signal).catch(() => 'ended')
      timer.cancel()
      expect(ended).toBe('ended')
    }
    const run = (requests: number): Promise<unknown> =>
      Promise.all(
        Array.from({ length: 25 }, async () => {
          for (let count = 0; count < requests / 25; count++) await one()
        }),
      )
    await run(1000)
    await eventually(() => server.closedConnections === server.connections)
    Bun.gc(true)
    const before = { memory: process.memoryUsage.rss(), files: openFiles() }
    server.requests.length = 0
    await run(5000)
    server.requests.length = 0
    await eventually(() => server.closedConnections === server.connections)
    await eventually(() => openFiles() <= before.files + 2)
    await eventually(() => {
      Bun.gc(true)
      return process.memoryUsage.rss() - before.memory < mostGrowth
    })
  },
  { timeout: 60_000 },
)
