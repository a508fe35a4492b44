import { describe, expect, test } from 'bun:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { hasNats, startNats } from '../support/nats-server.ts'

describe('a real nats-server', () => {
  test('keeps its port and its streams over SIGKILL and a restart', async () => {
    await using server = await startNats()
    const before = await connect({ servers: server.url, reconnect: false })
    const manager = await jetstreamManager(before)
    await manager.streams.add({ name: 'KEPT', subjects: ['kept'] })
    const lost = before.closed()
    await server.kill()
    await lost
    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow()
    await server.restart()
    const after = await connect({ servers: server.url, reconnect: false })
    const { config } = await (await jetstreamManager(after)).streams.info('KEPT')
    expect(config.subjects).toEqual(['kept'])
    await after.close()
  })

  test('takes more configuration, and runs without JetStream', async () => {
    await using server = await startNats({ jetstream: false, config: 'max_payload: 4096' })
    const connection = await connect({ servers: server.url })
    expect(connection.info).toMatchObject({ max_payload: 4096 })
    expect(connection.info?.jetstream ?? false).toBe(false)
    await connection.close()
  })

  test('that cannot start says why', async () => {
    await expect(startNats({ config: 'nonsense {' })).rejects.toThrow('did not start')
  })

  test.skipIf(!hasNats('old'))('is also to be had in the oldest version that is supported', async () => {
    await using server = await startNats({ version: 'old' })
    const connection = await connect({ servers: server.url })
    expect(connection.info?.version).toStartWith('2.9.')
    await connection.close()
  })
})
