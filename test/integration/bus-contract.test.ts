import { afterAll, beforeAll } from 'bun:test'
import { busContract } from '../contract/bus.contract.ts'
import { natsWorld } from '../nats/nats-world.ts'
import { hasNats, type NatsServer, startNats } from '../support/nats-server.ts'

const servers: NatsServer[] = []
const versions = (['newest', 'old'] as const).filter(hasNats)

beforeAll(async () => {
  for (const version of versions) servers.push(await startNats({ version }))
})

afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]()
})

function serverOf(version: 'newest' | 'old'): NatsServer {
  const server = servers[versions.indexOf(version)]
  if (server === undefined) throw new Error(`no ${version} server was started`)
  return server
}

for (const version of versions) {
  busContract(`core NATS (${version} server)`, () => natsWorld(serverOf(version), 'core'))
  busContract(`JetStream (${version} server)`, () => natsWorld(serverOf(version), 'stream'))
}
busContract('core NATS alone', () => natsWorld(serverOf('newest'), 'core, off'))
