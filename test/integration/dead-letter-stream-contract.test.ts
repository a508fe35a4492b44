import { afterAll, beforeAll } from 'bun:test'
import { type DeadLetterWorld, deadLetterContract } from '../contract/dead-letter-store.contract.ts'
import { openDeadLetterStream, ownDeadLetters } from '../nats/open-dead-letters.ts'
import { eventually } from '../support/eventually.ts'
import { hasNats, type NatsServer, startNats } from '../support/nats-server.ts'

const versions = (['newest', 'old'] as const).filter(hasNats)
const servers = new Map<string, NatsServer>()

beforeAll(async () => {
  for (const version of versions) servers.set(version, await startNats({ version }))
}, 60_000)

afterAll(async () => {
  for (const server of servers.values()) await server[Symbol.asyncDispose]()
}, 60_000)

async function streamWorld(version: string): Promise<DeadLetterWorld> {
  const { url } = servers.get(version) ?? { url: '' }
  const env = ownDeadLetters()
  const stores = new AsyncDisposableStack()
  return {
    async open() {
      const { bus, store } = stores.use(await openDeadLetterStream(url, env))
      await eventually(() => bus.connected)
      return store
    },
    [Symbol.asyncDispose]: () => stores.disposeAsync(),
  }
}

for (const version of versions) deadLetterContract(`JetStream (${version} server)`, () => streamWorld(version))
