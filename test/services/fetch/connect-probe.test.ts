import { expect, test } from 'bun:test'
import { type Probed, probeConnect } from '../../../src/services/fetch/connect-probe.ts'
import { certify } from '../../nats/certificate.ts'
import { eventually } from '../../support/eventually.ts'
import { RawHttpServer } from '../../support/raw-http-server.ts'

const address = '127.0.0.1'
const silent = (): void => undefined
const names = [undefined, 'localhost', 'other.test']

async function probed(to: Probed): Promise<number> {
  let calls = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  using _probe = probeConnect(to, () => {
    calls++
    resolve()
  })
  await promise
  return calls
}

test('is over when a connection was taken, and closes it', async () => {
  await using server = await RawHttpServer.start(silent)
  expect(await probed({ address, port: server.port })).toBe(1)
  await eventually(() => server.closedConnections === 1)
})

test('is over when hands were shaken, whatever the certificate', async () => {
  await using server = await RawHttpServer.start(silent, { certified: certify('server') })
  for (const serverName of names) expect(await probed({ address, port: server.port, tls: { serverName } })).toBe(1)
})

test('is over when it was refused', async () => {
  const server = await RawHttpServer.start(silent)
  const { port } = server
  await server[Symbol.asyncDispose]()
  expect(await probed({ address, port })).toBe(1)
  expect(await probed({ address, port, tls: { serverName: 'a.test' } })).toBe(1)
})

test('is over when the server closes instead of shaking hands', async () => {
  const server = Bun.listen({ hostname: address, port: 0, socket: { data: (socket) => void socket.end() } })
  expect(await probed({ address, port: server.port, tls: { serverName: 'a.test' } })).toBe(1)
  server.stop(true)
})

test('says nothing while hands are not shaken, and nothing once it was disposed', async () => {
  await using server = await RawHttpServer.start(silent)
  let calls = 0
  const probe = probeConnect({ address, port: server.port, tls: { serverName: 'a.test' } }, () => {
    calls++
  })
  await eventually(() => server.connections === 1)
  probe[Symbol.dispose]()
  await eventually(() => server.closedConnections === 1)
  expect(calls).toBe(0)
})
