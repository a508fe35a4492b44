import { describe, expect, test } from 'bun:test'
import { StorageType } from '@nats-io/jetstream'
import { observe } from '../nats/observer.ts'
import { runBeamline } from '../support/beamline-process.ts'
import { hasNats, startNats } from '../support/nats-server.ts'

const versions = (['newest', 'old'] as const).filter(hasNats)
const users = `accounts { A { jetstream: enabled, users: [
  { user: everything, password: p },
  { user: few, password: p, permissions: { publish: { deny: [
    "$JS.API.STREAM.CREATE.DLQ", "$JS.API.CONSUMER.MSG.NEXT.DLQ.>", "caf.deadletter.v1.mark.*" ] } } }
] } }`

async function check(url: string): Promise<string> {
  const { stdout } = await runBeamline(['check'], { WORKER_ID: 'checked', NATS_URL: url, DLQ_STREAM: 'DLQ' })
  return stdout.map((line) => line.replace(/ +/g, ' ')).join('\n')
}

describe.each(versions)('check of DLQ_STREAM on the %s server', (version) => {
  test('says what is missing, what is in the way, and makes nothing', async () => {
    await using server = await startNats({ version })
    await using observer = await observe(server.url)
    const { streams } = observer.manager
    expect(await check(server.url)).toContain(
      'ok dlq_stream dead letters are kept in DLQ; DLQ and DLQ_REJECTED are made',
    )
    expect(await streams.names().next()).toEqual([])

    await streams.add({ name: 'ALL', subjects: ['caf.>'], storage: StorageType.File })
    expect(await check(server.url)).toContain(
      'fail dlq_stream the stream ALL captures caf.deadletter.v1.entry.* already; correct it',
    )
    await streams.delete('ALL')
    await streams.add({ name: 'DLQ', subjects: ['caf.deadletter.v1.entry.*'], storage: StorageType.Memory })
    expect(await check(server.url)).toContain(
      'fail dlq_stream DLQ: it does not capture caf.deadletter.v1.mark.*; correct it',
    )
    await streams.update('DLQ', { subjects: ['caf.deadletter.v1.>'] })
    expect(await check(server.url)).toContain('warn dlq_stream dead letters are kept in DLQ, but it is kept in memory')
  }, 60_000)

  test('says what permissions are missing, by the subjects that would allow it', async () => {
    await using server = await startNats({ version, config: users })
    const as = (user: string) => server.url.replace('//', `//${user}:p@`)
    expect(await check(as('everything'))).toContain('ok publish')
    const said = await check(as('few'))
    for (const subject of [
      '$JS.API.STREAM.CREATE.DLQ',
      '$JS.API.CONSUMER.MSG.NEXT.DLQ.>',
      'caf.deadletter.v1.mark.*',
    ]) {
      expect(said).toContain(`fail publish not permitted on ${subject};`)
    }
  }, 60_000)
})
