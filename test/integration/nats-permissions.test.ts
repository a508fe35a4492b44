import { expect, test } from 'bun:test'
import { bytes, Taken } from '../bus/taken.ts'
import { addStream } from '../nats/observer.ts'
import { openBus, ownNames } from '../nats/open-bus.ts'
import { eventually } from '../support/eventually.ts'
import { startNats } from '../support/nats-server.ts'

function users(denied: string): string {
  return `authorization { users = [
    { user: admin, password: a },
    { user: w, password: p, permissions: { publish: { deny: "${denied}" } } } ] }`
}

test('readiness names a result that permissions forbid to publish', async () => {
  await using server = await startNats({ jetstream: false, config: users('result.>') })
  const names = ownNames()
  await using bus = await openBus(server.url.replace('//', '//w:p@'), { env: names })
  await eventually(() => bus.health().nats === 'ok')
  const error = await bus
    .publish({ subject: names.CAF_RESULT_SUBJECT, body: bytes('x') })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ reason: 'refused' })
  expect(bus.health().nats).toBe(`permissions forbid publishing to ${names.CAF_RESULT_SUBJECT}`)
})

test('readiness names acks that permissions forbid to send', async () => {
  await using server = await startNats({ config: users('$JS.ACK.>') })
  const names = ownNames()
  await addStream(server.url.replace('//', '//admin:a@'), names.JETSTREAM_STREAM, [names.CAF_ASSIGN_SUBJECT])
  await using bus = await openBus(server.url.replace('//', '//w:p@'), { env: names })
  const taken = new Taken(bus)
  await eventually(() => bus.health().consumer === 'ok')
  await bus.publish({ subject: names.CAF_ASSIGN_SUBJECT, body: bytes('job') })
  const acked = (await taken.next()).ack()
  await eventually(() => bus.health().nats === 'permissions forbid publishing to $JS.ACK.>')
  await bus[Symbol.asyncDispose]()
  await acked
})
