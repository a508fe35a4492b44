import { expect, test } from 'bun:test'
import { AckPolicy } from '@nats-io/jetstream'
import { headers } from '@nats-io/nats-core'
import { bytes, text } from '../bus/taken.ts'
import { openTaker } from '../nats/fleet.ts'
import { addStream, observe } from '../nats/observer.ts'
import { ownNames } from '../nats/open-bus.ts'
import { openProxy } from '../nats/proxy.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { startNats } from '../support/nats-server.ts'

test('a pull of which nothing is heard any longer is made again', async () => {
  await using server = await startNats()
  const names = ownNames()
  await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
  await using proxy = await openProxy(server.port)
  const clock = new FakeClock()
  const { bus, taken } = await openTaker(proxy.url, names, { clock })
  await using _bus = bus
  await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('before') })
  await (await taken.next()).ack()
  proxy.hold()
  await clock.advance(15_000)
  expect(bus.complaints.map(({ message }) => message)).toEqual(['A pull was forgotten by the server; pulling again'])
  proxy.mend()
  await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('after') })
  expect(text(await taken.next())).toBe('after')
})

test('messages that wait although they were asked for: pulls again, then connects again, and keeps the durable', async () => {
  await using server = await startNats()
  const names = ownNames()
  await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
  await using observer = await observe(server.url)
  await using proxy = await openProxy(server.port)
  let pullInbox = ''
  proxy.rewrite(/PUB \$JS\.API\.CONSUMER\.MSG\.NEXT\.\S+ (\S+) \d+\r\n[^\r]*\r\n/g, (_request, inbox) => {
    pullInbox = inbox
    return ''
  })
  const clock = new FakeClock()
  const { bus, taken } = await openTaker(proxy.url, names, { clock })
  await using _bus = bus
  const consumer = () => observer.manager.consumers.info(names.JETSTREAM_STREAM, 'caf-workers')
  const { created } = await consumer()
  observer.nats.publish(names.CAF_ASSIGN_SUBJECT, 'waits')
  const said = () => bus.complaints.map(({ message }) => message)
  await eventually(async () => {
    // The server says that the request is alive, and sends nothing: a stall that a heartbeat does not show.
    observer.nats.publish(pullInbox, '', { headers: headers(100, 'Idle Heartbeat') })
    await observer.nats.flush()
    if (said().length < 2) await bus.flush()
    await clock.advance(2_500)
    return said().length >= 2
  })
  proxy.mend()
  // The first pull of the new connection may still have been taken out.
  await eventually(async () => {
    await clock.advance(2_500)
    return taken.all.length > 0
  })
  const waited = await taken.next()
  expect(text(waited)).toBe('waits')
  await waited.ack()
  expect(said().slice(0, 3)).toEqual([
    'Messages wait and none come; pulling again',
    'Messages wait and none come; connecting again',
    'The connection to NATS is lost; reconnecting',
  ])
  expect((await consumer()).created).toBe(created)
})

test('a consumer with nothing left to deliver, or at its limit, is no stall', async () => {
  await using server = await startNats()
  const names = ownNames()
  await addStream(server.url, names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
  await using observer = await observe(server.url)
  await observer.manager.consumers.add(names.JETSTREAM_STREAM, {
    durable_name: 'caf-workers',
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 1,
  })
  const clock = new FakeClock()
  const { bus, taken } = await openTaker(server.url, names, { clock })
  await using _bus = bus
  for (const job of ['held', 'waits']) await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes(job) })
  const held = await taken.next()
  await eventually(async () => {
    await clock.advance(10_000)
    return clock.monotonic() >= 60_000 && bus.consumerState()?.pending === 1
  })
  expect(bus.complaints.filter(({ message }) => message.includes('none come'))).toEqual([])
  await held.ack()
  expect(text(await taken.next())).toBe('waits')
})
