import { describe, expect, test } from 'bun:test'
import { RetentionPolicy } from '@nats-io/jetstream'
import { PublishError } from '../../src/bus/bus.ts'
import { bytes, text } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { openBus, ownNames, type TestBus } from '../nats/open-bus.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { type NatsServer, startNats } from '../support/nats-server.ts'

async function reasonOf(publish: Promise<void>): Promise<string> {
  try {
    await publish
    return 'published'
  } catch (error) {
    if (error instanceof PublishError) return error.reason
    throw error
  }
}

async function connected(server: { readonly url: string }, options?: Parameters<typeof openBus>[1]): Promise<TestBus> {
  const bus = await openBus(server.url, options)
  await eventually(() => bus.connected)
  return bus
}

async function withResults(server: NatsServer): Promise<ReturnType<typeof ownNames>> {
  const names = ownNames()
  await addStream(server.url, `R_${names.JETSTREAM_STREAM}`, [names.CAF_RESULT_SUBJECT], RetentionPolicy.Limits)
  return names
}

describe('a result', () => {
  test('is published when a stream has stored it, with no one listening', async () => {
    await using server = await startNats()
    const names = await withResults(server)
    await using bus = await connected(server, { env: names })
    const subject = names.CAF_RESULT_SUBJECT
    const headers = { 'Nats-Msg-Id': 'one', trace_id: 't' }
    await Promise.all([1, 2, 3].map(() => bus.publish({ subject, body: bytes('result'), headers })))
    await using observer = await observe(server.url)
    const stream = `R_${names.JETSTREAM_STREAM}`
    expect((await observer.manager.streams.info(stream)).state.messages).toBe(1)
    const stored = await observer.manager.streams.getMessage(stream, { seq: 1 })
    expect(stored?.header.get('trace_id')).toBe('t')
  })

  test('is not published when the stream is full, or nobody listens any longer', async () => {
    await using server = await startNats()
    const names = ownNames()
    const subject = names.CAF_RESULT_SUBJECT
    await using observer = await observe(server.url)
    await observer.manager.streams.add({ name: 'FULL', subjects: [subject], max_msgs: 1, discard: 'new' })
    await using bus = await connected(server, { env: names })
    const publish = (): Promise<string> => reasonOf(bus.publish({ subject, body: bytes('result') }))
    expect(await publish()).toBe('published')
    expect(await publish()).toBe('refused')
    await observer.manager.streams.delete('FULL')
    expect(await publish()).toBe('no-responders')
    const heard: string[] = []
    await using listener = await connected(server, { env: names })
    listener.subscribe(subject, (message) => heard.push(text(message)))
    await listener.flush()
    expect(await publish()).toBe('published')
    await eventually(() => heard.length === 1)
  })

  test('without a PubAck is published when no stream captures its subject any longer', async () => {
    await using server = await startNats()
    const names = await withResults(server)
    const subject = names.CAF_RESULT_SUBJECT
    const clock = new FakeClock()
    await using bus = await connected(server, { env: names, clock })
    let heard = 0
    bus.subscribe(subject, () => {
      heard += 1
    })
    await bus.publish({ subject, body: bytes('stored') })
    await using observer = await observe(server.url)
    await observer.manager.streams.delete(`R_${names.JETSTREAM_STREAM}`)
    let settled = 'no'
    void reasonOf(bus.publish({ subject, body: bytes('heard') })).then((reason) => {
      settled = reason
    })
    await bus.flush()
    await clock.advance(4_500)
    expect(settled).toBe('no')
    await eventually(async () => {
      await clock.advance(500)
      return settled === 'published'
    })
    expect(heard).toBe(2)
  })

  test('without a PubAck is not published while a stream may capture its subject', async () => {
    await using server = await startNats()
    const names = await withResults(server)
    await using proxy = await openProxy(server.port)
    const subject = names.CAF_RESULT_SUBJECT
    const clock = new FakeClock()
    await using bus = await connected(proxy, { env: names, clock })
    await bus.publish({ subject, body: bytes('first'), headers: { 'Nats-Msg-Id': '1' } })
    proxy.hold()
    const published = reasonOf(bus.publish({ subject, body: bytes('second'), headers: { 'Nats-Msg-Id': '2' } }))
    await clock.advance(5_500)
    // The client gives the look-up five real seconds.
    expect(await published).toBe('unconfirmed')
    proxy.mend()
    expect(await reasonOf(bus.publish({ subject, body: bytes('second'), headers: { 'Nats-Msg-Id': '2' } }))).toBe(
      'published',
    )
    await using observer = await observe(server.url)
    expect((await observer.manager.streams.info(`R_${names.JETSTREAM_STREAM}`)).state.messages).toBe(2)
  }, 15_000)

  test('on its way when the connection breaks is sent again on the next', async () => {
    await using server = await startNats()
    const names = await withResults(server)
    await using proxy = await openProxy(server.port)
    await using bus = await connected(proxy, { env: names })
    let heard = 0
    bus.subscribe('plain', () => {
      heard += 1
    })
    await bus.publish({ subject: 'plain', body: bytes('known') })
    await bus.publish({ subject: names.CAF_RESULT_SUBJECT, body: bytes('known') })
    proxy.hold()
    const stored = bus.publish({ subject: names.CAF_RESULT_SUBJECT, body: bytes('r'), headers: { 'Nats-Msg-Id': 'r' } })
    const plain = bus.publish({ subject: 'plain', body: bytes('p') })
    await using observer = await observe(server.url)
    const stream = `R_${names.JETSTREAM_STREAM}`
    await eventually(async () => (await observer.manager.streams.info(stream)).state.messages === 2)
    proxy.cut()
    await eventually(() => !bus.connected)
    proxy.mend()
    await Promise.all([stored, plain])
    expect((await observer.manager.streams.info(stream)).state.messages).toBe(2)
    await eventually(() => heard >= 2)
  })

  test('to a stream that acknowledges nothing is confirmed by the flush', async () => {
    await using server = await startNats()
    const names = ownNames()
    const subject = names.CAF_RESULT_SUBJECT
    await using observer = await observe(server.url)
    await observer.manager.streams.add({ name: 'SILENT', subjects: [subject], no_ack: true })
    await using bus = await connected(server, { env: names })
    expect(await reasonOf(bus.publish({ subject, body: bytes('result') }))).toBe('published')
    // The flush says that the server has it; the stream stores it a moment later.
    await eventually(async () => (await observer.manager.streams.info('SILENT')).state.messages === 1)
  })

  test('to a stream that appeared meanwhile is published', async () => {
    await using server = await startNats()
    const names = ownNames()
    const subject = names.CAF_RESULT_SUBJECT
    await using bus = await connected(server, { env: names })
    expect(await reasonOf(bus.publish({ subject, body: bytes('result') }))).toBe('no-responders')
    await addStream(server.url, 'LATE', [subject], RetentionPolicy.Limits)
    expect(await reasonOf(bus.publish({ subject, body: bytes('result') }))).toBe('published')
    expect(await reasonOf(bus.publish({ subject, body: bytes('result') }))).toBe('published')
  })

  test('that permissions forbid is not published, on core NATS and into a stream alike', async () => {
    const permissions = '{ publish: { deny: ["result.>", "plain"] } }'
    await using server = await startNats({
      config: `authorization { users = [ { user: admin, password: a }, { user: w, password: p, permissions: ${permissions} } ] }`,
    })
    const names = ownNames()
    const admin = server.url.replace('//', '//admin:a@')
    await using listener = await connected({ url: admin })
    let heard = 0
    for (const subject of ['plain', names.CAF_RESULT_SUBJECT])
      listener.subscribe(subject, () => {
        heard += 1
      })
    await listener.flush()
    await using bus = await connected({ url: server.url.replace('//', '//w:p@') }, { env: names })
    const subjects = ['plain', names.CAF_RESULT_SUBJECT]
    for (const subject of [...subjects, ...subjects])
      expect(await reasonOf(bus.publish({ subject, body: bytes('result') }))).toBe('refused')
    expect(heard).toBe(0)
    expect(bus.complaints.filter(({ message }) => message.includes('forbid'))).toHaveLength(2)
    expect(bus.connected).toBe(true)
  })

  test('is not published when the answer cannot be heard, for then nobody knows', async () => {
    await using server = await startNats({
      jetstream: false,
      config:
        'authorization { users = [ { user: w, password: p, permissions: { subscribe: { deny: "_INBOX.>" } } } ] }',
    })
    await using bus = await connected({ url: server.url.replace('//', '//w:p@') })
    await eventually(() => bus.health().nats === 'permissions forbid hearing answers')
    expect(await reasonOf(bus.publish({ subject: 'nobody', body: bytes('result') }))).toBe('unconfirmed')
  })

  test('with what a protocol line or a header cannot hold does no harm', async () => {
    await using server = await startNats()
    await using bus = await connected(server)
    const heard: Record<string, string>[] = []
    bus.subscribe('fine', ({ headers }) => heard.push({ ...headers }))
    await bus.flush()
    for (const subject of ['a b', 'a\r\nPUB fine 1\r\nx', ''])
      expect(await reasonOf(bus.publish({ subject, body: bytes('x') }))).toBe('refused')
    const headers = { good: 'yes', bad: 'a\r\nInjected: 1', 'bad name': 'x', 'bad:name': 'x', wide: 'ä' }
    expect(await reasonOf(bus.publish({ subject: 'fine', body: bytes('x'), headers }))).toBe('published')
    bus.emit({ subject: 'a b', body: bytes('x') })
    await bus.flush()
    expect(heard).toEqual([{ good: 'yes' }])
  })
})

describe('an assignment on core NATS', () => {
  test('that is published where nobody takes is not published, and a full group hears of it three times', async () => {
    await using server = await startNats({ jetstream: false })
    const names = ownNames()
    await using caller = await connected(server, { env: names })
    const job = { subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') }
    expect(await reasonOf(caller.publish(job))).toBe('no-responders')
    const { bus, taken } = await openTaker(server.url, names)
    await using _bus = bus
    await caller.publish(job)
    const offers: boolean[] = []
    for (let hop = 0; hop <= 3; hop += 1) offers.push(await (await taken.next()).reoffer({ accepted: false }))
    expect(offers).toEqual([true, true, true, false])
  })

  test('cannot be passed on for ever while there is no connection', async () => {
    await using server = await startNats({ jetstream: false })
    const names = ownNames()
    const clock = new FakeClock()
    const { bus, taken } = await openTaker(server.url, names, { clock })
    await using _bus = bus
    await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
    const delivery = await taken.next()
    await server.kill()
    await eventually(() => !bus.connected)
    await taken.intake.stop()
    const given = delivery.giveBack()
    await clock.advance(5_000)
    expect(await given).toBe(false)
  })

  test('that permissions forbid to hear is reported, and heard when they no longer do', async () => {
    await using server = await startNats({
      jetstream: false,
      config:
        'authorization { users = [ { user: w, password: p, permissions: { subscribe: { deny: "assign.>" } } } ] }',
    })
    await using bus = await openBus(server.url.replace('//', '//w:p@'), { env: ownNames() })
    bus.take(() => undefined)
    await eventually(() => bus.health().consumer === 'permissions forbid listening for assignments')
    expect(bus.mode).toBe('unknown')
  })
})
