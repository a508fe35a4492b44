import { describe, expect, test } from 'bun:test'
import { AckPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { bytes, Taken, text } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { openBus, ownNames } from '../nats/open-bus.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { hasNats, startNats } from '../support/nats-server.ts'

/** How often the bus looks again while there is no stream, and how soon it asks for what is not ready. */
const lookAgainMs = 30_000
const askAgainMs = 1_000

/** Lets the clock run until something that the server has a part in has come true. */
async function clockUntil(clock: FakeClock, stepMs: number, check: () => boolean): Promise<void> {
  await eventually(async () => {
    await clock.advance(stepMs)
    return check()
  })
}

describe('which way assignments come', () => {
  test('auto: from core NATS where the server has no JetStream, or no stream captures them', async () => {
    for (const jetstream of [true, false]) {
      await using server = await startNats({ jetstream })
      const { bus } = await openTaker(server.url, ownNames())
      await using _bus = bus
      expect(bus.mode).toBe('core')
      expect(bus.consumerState()).toBeUndefined()
    }
  })

  test('off: from core NATS, whatever captures them', async () => {
    await using server = await startNats()
    const names = ownNames()
    await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
    const { bus, taken } = await openTaker(server.url, { ...names, JETSTREAM: 'off' })
    await using _bus = bus
    expect(bus.mode).toBe('core')
    await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
    expect((await taken.next()).sequence).toBeUndefined()
  })

  for (const version of ['newest', 'old'] as const) {
    test.if(hasNats(version))(`require: makes what is missing, as it must be (${version} server)`, async () => {
      await using server = await startNats({ version })
      const names = ownNames()
      const env = {
        ...names,
        JETSTREAM: 'require',
        JETSTREAM_MAX_AGE: '1h',
        JETSTREAM_MAX_BYTES: '10MB',
        ACK_WAIT_MS: '7000',
      }
      const { bus, taken } = await openTaker(server.url, env)
      await using _bus = bus
      expect(bus.mode).toBe('jetstream')
      await using observer = await observe(server.url)
      const { config: exec } = await observer.manager.streams.info(names.JETSTREAM_STREAM)
      expect(exec).toMatchObject({
        subjects: [names.CAF_ASSIGN_SUBJECT],
        retention: RetentionPolicy.Workqueue,
        storage: StorageType.File,
        max_age: 3_600_000_000_000,
        max_bytes: 10_000_000,
      })
      const { config: results } = await observer.manager.streams.info('CAF_RESULTS')
      expect(results).toMatchObject({
        subjects: [names.CAF_RESULT_SUBJECT],
        retention: RetentionPolicy.Limits,
        max_age: 72 * 3_600_000_000_000,
        duplicate_window: 600_000_000_000,
        max_bytes: -1,
      })
      const { config: consumer } = await observer.manager.consumers.info(names.JETSTREAM_STREAM, 'caf-workers')
      expect(consumer).toMatchObject({
        durable_name: 'caf-workers',
        ack_policy: AckPolicy.Explicit,
        ack_wait: 7_000_000_000,
        max_ack_pending: -1,
        filter_subject: names.CAF_ASSIGN_SUBJECT,
      })
      expect(consumer.backoff).toBeUndefined()
      expect(consumer.inactive_threshold ?? 0).toBe(0)
      await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
      expect(text(await taken.next())).toBe('job')
      expect(bus.consumerState()).toEqual({ pending: 0, ackPending: 0 })
    })
  }

  test('require: a server without JetStream is fatal', async () => {
    await using server = await startNats({ jetstream: false })
    await using bus = await openBus(server.url, { env: { ...ownNames(), JETSTREAM: 'require' } })
    const taken = new Taken(bus)
    await eventually(() => bus.fatal.length > 0)
    expect(bus.fatal).toEqual([{ exitCode: 3, message: expect.stringContaining('no JetStream') }])
    expect(bus.health().consumer).not.toBe('ok')
    await taken.intake.stop()
  })

  test('require: an account without JetStream is fatal too', async () => {
    await using server = await startNats({
      config: 'accounts { JS: { jetstream: enabled }, A: { users: [ { user: u, password: p } ] } }',
    })
    const env = { ...ownNames(), JETSTREAM: 'require', NATS_USER: 'u', NATS_PASSWORD: 'p' }
    await using bus = await openBus(server.url, { env })
    bus.take(() => undefined)
    await eventually(() => bus.fatal.length > 0)
    await using auto = await openTaker(server.url, { ...env, JETSTREAM: 'auto' }).then(({ bus: core }) => core)
    expect(auto.mode).toBe('core')
  })

  test('a pull that permissions forbid is reported, and not tried without a pause', async () => {
    await using server = await startNats({
      config:
        'authorization { users = [ { user: a, password: a }, { user: u, password: p, permissions: { publish: { deny: "$JS.API.CONSUMER.MSG.NEXT.>" } } } ] }',
    })
    const names = ownNames()
    const admin = server.url.replace('//', '//a:a@')
    await addStream(admin, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
    await using observer = await observe(admin)
    let asked = 0
    observer.nats.subscribe('$JS.API.CONSUMER.INFO.>', {
      callback: () => {
        asked += 1
      },
    })
    await observer.nats.flush()
    const clock = new FakeClock()
    await using bus = await openBus(server.url.replace('//', '//u:p@'), { env: names, clock })
    bus.take(() => undefined)
    const reason = 'permissions forbid pulling from the consumer'
    await eventually(() => bus.health().consumer === reason)
    await bus.flush()
    await observer.nats.flush()
    const before = asked
    await clock.advance(askAgainMs)
    await eventually(() => asked > before)
    await eventually(() => bus.health().consumer === reason)
  })

  test('auto: changes over when a stream appears, unsubscribing first', async () => {
    await using server = await startNats()
    const names = ownNames()
    const clock = new FakeClock()
    const { bus, taken } = await openTaker(server.url, names, { clock })
    await using _bus = bus
    await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
    expect(bus.mode).toBe('core')
    await clockUntil(clock, lookAgainMs, () => bus.mode === 'jetstream')
    await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('stored') })
    const delivery = await taken.next()
    expect(delivery.sequence).toBeDefined()
    await delivery.ack()
    await taken.intake.stop()
    expect(taken.all).toHaveLength(1)
  })

  test('a look-up without an answer is not a no', async () => {
    await using server = await startNats({
      config:
        'authorization { users = [ { user: u, password: p, permissions: { publish: { deny: "$JS.API.STREAM.NAMES" } } } ] }',
    })
    await using bus = await openBus(server.url, { env: { ...ownNames(), NATS_USER: 'u', NATS_PASSWORD: 'p' } })
    const taken = new Taken(bus)
    await eventually(() => /permission/i.test(bus.health().consumer))
    expect(bus.mode).toBe('unknown')
    await taken.intake.stop()
  })
})
