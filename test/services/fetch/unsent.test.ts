/** What is said to be certainly unsent must never have reached the server: repeating it would have its effect twice. */
import { expect, test } from 'bun:test'
import { JobError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { eventually } from '../../support/eventually.ts'
import { type RawAnswer, RawHttpServer, response } from '../../support/raw-http-server.ts'
import { get, openTestFetch } from './fetch-rig.ts'

const requests = 2000
const bodies = [undefined, Buffer.alloc(0), Buffer.from('hello')]

/** Sends POSTs with numbers for paths, each ended by `end`; returns the numbers of those that were said to be unsent. */
async function unsentOf(server: RawHttpServer, end: (controller: AbortController, count: number) => void) {
  await using fetch = openTestFetch({ maxPerOrigin: 16 })
  const unsent = new Set<string>()
  let next = 0
  const one = async (): Promise<void> => {
    for (let count = next++; count < requests; count = next++) {
      const controller = new AbortController()
      const url = server.url(`/${count}`)
      const body = bodies[count % bodies.length]
      // Each a tenant of its own, so that no circuit breaker steps in.
      const request = get(url, { method: 'POST', repeatable: false, body, tenantId: `${count}` })
      const ended = fetch.request(request, controller.signal).catch((error: unknown) => error)
      end(controller, count)
      const thrown = await ended
      if (thrown instanceof JobError && thrown.unsent) unsent.add(url.pathname)
    }
  }
  await Promise.all(Array.from({ length: 16 }, one))
  await eventually(() => server.closedConnections === server.connections)
  return unsent
}

const seenBy = (server: RawHttpServer): ReadonlySet<string> => new Set(server.requests.map(({ target }) => target))

const answers: Readonly<Record<string, RawAnswer>> = {
  'closes the connection': (socket) => socket.destroy(),
  'resets the connection': (socket) => socket.resetAndDestroy(),
}

test.each(Object.entries(answers))('a request whose server %s', async (_, answer) => {
  await using server = await RawHttpServer.start(answer)
  const unsent = await unsentOf(server, () => undefined)
  expect(seenBy(server).size).toBe(requests)
  expect(unsent.size).toBe(0)
})

test('a request that is called off at any moment', async () => {
  await using server = await RawHttpServer.start((socket) => socket.end(response(200, { connection: 'close' })))
  const unsent = await unsentOf(server, (controller, count) => {
    const abort = (): void => controller.abort()
    const ends = [
      abort,
      () => queueMicrotask(abort),
      () => systemClock.soon(abort),
      () => systemClock.after(count % 3, abort),
    ]
    ends[count % ends.length]?.()
  })
  const seen = seenBy(server)
  expect([...unsent].filter((target) => seen.has(target))).toEqual([])
  expect(seen.size).toBeGreaterThan(0)
  expect(unsent.size).toBeGreaterThan(0)
})
