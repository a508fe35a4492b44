import { afterAll, describe, expect, test } from 'bun:test'
import { AckPolicy, type ConsumerConfig, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { runBeamline } from '../support/beamline-process.ts'
import { hasNats, startNats } from '../support/nats-server.ts'

const settings = { WORKER_ID: 'checked' }

/** Exit code and lines of `beamline check`, the lines as `status name`. */
async function check(url: string, more: Readonly<Record<string, string>> = {}) {
  const { code, stdout } = await runBeamline(['check'], { ...settings, NATS_URL: url, ...more })
  const lines = stdout.map((line) => /^(ok|warn|fail) +(\S+) +(.*)$/.exec(line))
  return {
    code,
    names: lines.map((match) => `${match?.[1]} ${match?.[2]}`),
    explain: (name: string) =>
      lines
        .filter((match) => `${match?.[1]} ${match?.[2]}` === name)
        .map((match) => match?.[3])
        .join('\n'),
  }
}

async function makeStream(url: string, stream: { name: string; subjects: string[]; retention: RetentionPolicy }) {
  await using connection = await connectTo(url)
  const manager = await jetstreamManager(connection.nats)
  await manager.streams.add(stream)
}

async function makeConsumer(url: string, shape: Partial<ConsumerConfig>, stream = 'CAF_EXEC') {
  await using connection = await connectTo(url)
  const manager = await jetstreamManager(connection.nats)
  await manager.consumers.add(stream, { durable_name: 'caf-workers', ack_policy: AckPolicy.Explicit, ...shape })
}

async function connectTo(address: string) {
  const { host, username: user, password: pass } = new URL(address)
  const nats = await connect({ servers: host, ...(user === '' ? {} : { user, pass }) })
  return { nats, [Symbol.asyncDispose]: () => nats.close() }
}

const users = `accounts { A { jetstream: enabled, users: [
  { user: everything, password: p },
  { user: noresult, password: p, permissions: { publish: { deny: "caf.exec.result.v1" } } },
  { user: noapi, password: p, permissions: { publish: { deny: [
    "$JS.API.CONSUMER.CREATE.>", "$JS.API.CONSUMER.DURABLE.>", "$JS.API.STREAM.CREATE.>", "$KV.>" ] } } },
  { user: listed, password: p, permissions: {
    publish: { allow: ["$JS.API.>", "caf.exec.assign.v1.ack", "caf.status.>", "caf.deadletter.v1"] },
    subscribe: { allow: ["_INBOX.>", "caf.exec.cancel.v1"] } } }
] } }`

const versions = (['newest', 'old'] as const).filter(hasNats)

describe.each(versions)('check on the %s server', (version) => {
  const servers = new AsyncDisposableStack()
  afterAll(() => servers.disposeAsync())
  const withUsers = startNats({ version, config: users }).then((server) => servers.use(server))
  const as = async (user: string, password = 'p') =>
    (await withUsers).url.replace('nats://', `nats://${user}:${password}@`)

  test('wrong credentials', async () => {
    const { code, names, explain } = await check(await as('everything', 'wrong'))
    expect(code).toBe(1)
    expect(names).toContain('fail nats')
    expect(explain('fail nats')).toContain('wrong credentials')
  })

  test('a missing publish permission, where others are denied and where others are allowed', async () => {
    const denied = await check(await as('noresult'))
    expect(denied.code).toBe(1)
    expect(denied.names.filter((name) => name.startsWith('fail'))).toEqual(['fail publish'])
    expect(denied.explain('fail publish')).toContain('caf.exec.result.v1 (CAF_RESULT_SUBJECT)')

    const listed = await check(await as('listed'))
    expect(listed.names.filter((name) => !name.startsWith('ok'))).toEqual(
      expect.arrayContaining(['fail publish', 'warn publish', 'fail subscribe']),
    )
    expect(listed.explain('fail publish')).toContain('caf.exec.result.v1')
    expect(listed.explain('fail subscribe')).toContain('caf.exec.assign.v1')
    expect(listed.explain('fail publish')).not.toContain('caf.deadletter.v1')
  })

  test('missing permissions for what a worker makes, and for what it writes down', async () => {
    const started = await check(await as('noapi'), { JETSTREAM: 'require' })
    expect(started.code).toBe(1)
    for (const subject of [
      '$JS.API.STREAM.CREATE.CAF_EXEC',
      '$JS.API.STREAM.CREATE.CAF_RESULTS',
      '$JS.API.STREAM.CREATE.KV_BEAMLINE_GIVE_BACKS',
      '$JS.API.STREAM.CREATE.KV_BEAMLINE_STATE',
      '$JS.API.CONSUMER.CREATE.KV_BEAMLINE_STATE',
      '$JS.API.CONSUMER.CREATE.CAF_EXEC.caf-workers.caf.exec.assign.v1',
      '$KV.BEAMLINE_GIVE_BACKS.>',
      '$KV.BEAMLINE_STATE.>',
    ])
      expect(started.explain('fail publish')).toContain(`on ${subject};`)
  })

  test('what is there already needs no permission to be made', async () => {
    await using server = await startNats({ version, config: users })
    const at = (user: string) => server.url.replace('nats://', `nats://${user}:p@`)
    const assigned = { name: 'CAF_EXEC', subjects: ['caf.exec.assign.v1'], retention: RetentionPolicy.Workqueue }
    await makeStream(at('everything'), assigned)
    await makeStream(at('everything'), {
      name: 'KV_BEAMLINE_GIVE_BACKS',
      subjects: ['$KV.BEAMLINE_GIVE_BACKS.>'],
      retention: RetentionPolicy.Limits,
    })
    await makeConsumer(at('everything'), {})
    const { explain } = await check(at('noapi'), { STATE_STORE: 'sqlite' })
    expect(explain('fail publish')).toBe('not permitted on $KV.BEAMLINE_GIVE_BACKS.>; allow this user to publish there')
  })

  test('a consumer under which jobs are lost', async () => {
    for (const [shape, reason] of [
      [{ headers_only: true }, 'headers_only'],
      [{ max_deliver: 1 }, 'max_deliver'],
      [{ max_deliver: 3 }, 'set max_deliver to -1'],
    ] as const) {
      await using server = await startNats({ version })
      await makeStream(server.url, {
        name: 'CAF_EXEC',
        subjects: ['caf.exec.assign.v1'],
        retention: RetentionPolicy.Workqueue,
      })
      await makeConsumer(server.url, shape)
      const { code, explain } = await check(server.url)
      expect(code).toBe(1)
      expect(explain('fail consumer')).toContain(reason)
    }
  })

  test('a consumer that takes every message of a wide stream for an assignment', async () => {
    await using server = await startNats({ version })
    await makeStream(server.url, { name: 'ALL', subjects: ['caf.>'], retention: RetentionPolicy.Limits })
    await makeConsumer(server.url, {}, 'ALL')
    const { code, explain } = await check(server.url)
    expect(code).toBe(1)
    expect(explain('fail consumer')).toContain('set its filter_subject to caf.exec.assign.v1')
  })

  test('asking after permissions sends nothing that anybody hears, and stores nothing', async () => {
    await using server = await startNats({ version })
    await makeStream(server.url, { name: 'ALL', subjects: ['caf.>'], retention: RetentionPolicy.Limits })
    await using listener = await connectTo(server.url)
    const heard: string[] = []
    listener.nats.subscribe('>', { callback: (_, message) => void heard.push(message.subject) })
    await listener.nats.flush()
    expect((await check(server.url)).names).toContain('ok publish')
    expect((await check(server.url, { JETSTREAM: 'require' })).names).toContain('ok publish')
    await listener.nats.flush()
    expect(heard.filter((subject) => /^(caf|\$JS\.ACK|\$JS\.API\.CONSUMER\.MSG)\./.test(subject))).toEqual([])
    const manager = await jetstreamManager(listener.nats)
    const streams = await manager.streams.list().next()
    expect(streams.map(({ config, state }) => [config.name, state.messages, state.consumer_count])).toEqual([
      ['ALL', 0, 0],
    ])
  })

  test('no JetStream', async () => {
    await using server = await startNats({ version, jetstream: false })
    const auto = await check(server.url)
    expect(auto.code).toBe(0)
    expect(auto.explain('warn jetstream')).toContain('no JetStream')
    const required = await check(server.url, { JETSTREAM: 'require' })
    expect(required.code).toBe(1)
    expect(required.explain('fail jetstream')).toContain('no JetStream')
  })

  test('a stream of another retention', async () => {
    await using server = await startNats({ version })
    await makeStream(server.url, { name: 'JOBS', subjects: ['caf.exec.assign.v1'], retention: RetentionPolicy.Limits })
    const { code, explain } = await check(server.url)
    expect(code).toBe(0)
    expect(explain('warn stream')).toMatch(/JOBS .*limits.*workqueue/)
  })

  test('a stream that captures other subjects of ours as well', async () => {
    await using server = await startNats({ version })
    await makeStream(server.url, { name: 'JOBS', subjects: ['caf.exec.>'], retention: RetentionPolicy.Workqueue })
    const { code, explain } = await check(server.url)
    expect(code).toBe(1)
    for (const variable of ['CAF_ACK_SUBJECT', 'CAF_RESULT_SUBJECT', 'CAF_CANCEL_SUBJECT']) {
      expect(explain('fail stream')).toContain(variable)
    }
    expect(explain('fail stream')).not.toContain('CAF_DLQ_SUBJECT')
  })
})

test('dead letters that cannot be written, and such as do not last', async () => {
  await using server = await startNats()
  const unwritable = await check(server.url, { DLQ_PATH: '/dev/null/dead/letters.jsonl' })
  expect(unwritable.code).toBe(1)
  expect(unwritable.explain('fail dead_letters')).toContain('cannot be written')
  const fleeting = await check(server.url, { DLQ_PATH: '/dev/shm/beamline/dead-letters.jsonl' })
  expect(fleeting.code).toBe(0)
  expect(fleeting.explain('warn dead_letters')).toContain('temporary file system')
})

test('no server: 3, and everything else is checked all the same', async () => {
  const { code, names } = await check('nats://127.0.0.1:1', { DLQ_PATH: '/dev/null/dead/letters.jsonl' })
  expect(code).toBe(3)
  expect(names).toEqual(['ok settings', 'fail nats', 'fail dead_letters', 'warn blobs'])
})

test('wrong settings: 2, each of them named', async () => {
  const { code, names, explain } = await check('nats://127.0.0.1:1', { ACK_WAIT_MS: 'x', JETSTREAM: 'maybe' })
  expect(code).toBe(2)
  expect(names).toEqual(['fail settings', 'fail settings'])
  expect(explain('fail settings')).toMatch(/JETSTREAM|ACK_WAIT_MS/)
})

test('as JSON', async () => {
  const { code, stdout } = await runBeamline(['check', '--json'], { NATS_URL: 'nats://127.0.0.1:1' })
  expect(code).toBe(3)
  expect(JSON.parse(stdout.join('\n'))).toMatchObject({
    ok: false,
    checks: expect.arrayContaining([{ status: 'fail', name: 'nats', explanation: expect.any(String) }]),
  })
})
