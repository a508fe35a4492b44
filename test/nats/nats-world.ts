import type { BusWorld } from '../contract/bus-world.ts'
import { eventually } from '../support/eventually.ts'
import type { NatsServer } from '../support/nats-server.ts'
import { addStream } from './observer.ts'
import { openBus, ownNames, type TestBus } from './open-bus.ts'

/** The contract's world on a server that is there already, with names of its own. */
export async function natsWorld(server: NatsServer, by: 'core' | 'core, off' | 'stream'): Promise<BusWorld> {
  const env = { ...ownNames(), JETSTREAM: by === 'core, off' ? 'off' : 'auto' }
  const buses: TestBus[] = []
  const stored = by === 'stream'
  if (stored) await addStream(server.url, env.JETSTREAM_STREAM, [env.CAF_ASSIGN_SUBJECT])
  return {
    assignSubject: env.CAF_ASSIGN_SUBJECT,
    stored,
    window: stored ? 16 : undefined,
    async open() {
      const bus = await openBus(server.url, { env, window: 16 })
      buses.push(bus)
      await eventually(() => bus.connected)
      return bus
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(buses.map((bus) => bus[Symbol.asyncDispose]()))
    },
  }
}
