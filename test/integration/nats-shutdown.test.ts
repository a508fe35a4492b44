import { describe, expect, test } from 'bun:test'
import type { Delivery } from '../../src/bus/bus.ts'
import { bytes } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream } from '../nats/observer.ts'
import { openBus, ownNames } from '../nats/open-bus.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startNats } from '../support/nats-server.ts'

/** The clock stands still in these tests: whatever waited for a limit would wait for ever. */
const limitMs = 3_000

describe('stopping while NATS is away', () => {
  for (const jetstream of [true, false]) {
    const way = jetstream ? 'JetStream' : 'core'

    async function holding(url: string, count: number) {
      const names = ownNames()
      if (jetstream) await addStream(url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
      const taker = (at: string) => openTaker(at, names, { clock: new FakeClock() })
      const held = async ({ bus, taken }: Awaited<ReturnType<typeof taker>>): Promise<readonly Delivery[]> => {
        for (let n = 0; n < count; n += 1)
          await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes(`job ${n}`) })
        return Promise.all(Array.from({ length: count }, () => taken.next()))
      }
      return { taker, held }
    }

    test(
      `${way}: giving back and acking wait for nothing, and closing is quick`,
      async () => {
        await using server = await startNats({ jetstream })
        const { taker, held } = await holding(server.url, 4)
        const worker = await taker(server.url)
        const [first, second, third, fourth] = await held(worker)
        const before = [first?.ack(), jetstream ? undefined : second?.giveBack()]
        await server.kill()
        await eventually(() => !worker.bus.connected)
        const early = third?.giveBack()
        await worker.taken.intake.stop()
        // Core: nobody else can be given it. JetStream: it is delivered again when its lease has run out.
        expect(await fourth?.giveBack()).toBe(jetstream)
        expect(await early).toBe(false)
        await Promise.all(before)
        await second?.ack()
        await worker.bus[Symbol.asyncDispose]()
      },
      limitMs,
    )

    test(
      `${way}: so it is when the connection goes while it is given back`,
      async () => {
        await using server = await startNats({ jetstream })
        await using proxy = await openProxy(server.port)
        const { taker, held } = await holding(server.url, 2)
        const worker = await taker(proxy.url)
        const [first, second] = await held(worker)
        await worker.taken.intake.stop()
        proxy.hold()
        const given = [first?.giveBack(), second?.ack()]
        proxy.cut()
        await Promise.all(given)
        await worker.bus[Symbol.asyncDispose]()
      },
      limitMs,
    )
  }
})

test(
  'closing does not wait for a server that accepts and says nothing, at first or later',
  async () => {
    await using server = await startNats()
    await using proxy = await openProxy(server.port)
    const later = await openBus(proxy.url, { env: ownNames() })
    await eventually(() => later.connected)
    proxy.cut()
    await eventually(() => !later.connected)
    proxy.hold()
    const first = await openBus(proxy.url, { env: ownNames() })
    await eventually(() => proxy.connections >= 2)
    await Promise.all([first, later].map((bus) => bus[Symbol.asyncDispose]()))
  },
  limitMs,
)
