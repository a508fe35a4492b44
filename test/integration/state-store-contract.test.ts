import { afterAll, beforeAll } from 'bun:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type StoreWorld, storeContract } from '../contract/state-store.contract.ts'
import { openKvStore } from '../nats/open-kv-store.ts'
import { hasNats, type NatsServer, startNats } from '../support/nats-server.ts'

const versions = (['newest', 'old'] as const).filter(hasNats)
const servers = new Map<string, NatsServer>()

beforeAll(async () => {
  for (const version of versions) servers.set(version, await startNats({ version }))
})

afterAll(async () => {
  for (const server of servers.values()) await server[Symbol.asyncDispose]()
})

/** An account has one bucket, so that it goes with each world. */
async function kvWorld(version: string): Promise<StoreWorld> {
  const { url } = servers.get(version) ?? { url: '' }
  const stores = new AsyncDisposableStack()
  return {
    lasts: true,
    open: async () => stores.use(await openKvStore(url)).store,
    async [Symbol.asyncDispose]() {
      await stores.disposeAsync()
      const nats = await connect({ servers: url })
      const manager = await jetstreamManager(nats)
      await manager.streams.delete('KV_BEAMLINE_STATE').catch(() => undefined)
      await nats.close()
    },
  }
}

for (const version of versions) storeContract(`JetStream (${version} server)`, () => kvWorld(version), 60)
