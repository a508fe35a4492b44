import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { openEchoSite } from '../support/echo-site.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, deadLettersOf } from '../support/fleet.ts'
import { type NatsServer, startNats } from '../support/nats-server.ts'
import { startPostgres } from '../support/postgres.ts'
import { assignmentOf, runnableVectors, type Vector } from '../support/vectors.ts'
import { connectWire, type WireClient } from '../support/wire-client.ts'

const site = openEchoSite()
const postgres = await startPostgres()
const vectors = runnableVectors({ HTTP_ECHO: site.url, PG: postgres.url })

afterAll(async () => {
  await site[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

test('the golden cases for all job types that are there, and for malformed input, are here', () => {
  expect(vectors.length).toBe(31)
})

describe.each(['off', 'require'] as const)('the golden cases through a process with JETSTREAM=%s', (mode) => {
  let server: NatsServer
  let beamline: BeamlineProcess
  let wire: WireClient

  beforeAll(async () => {
    server = await startNats()
    beamline = await startBeamline(['start'], {
      NATS_URL: server.url,
      JETSTREAM: mode,
      WORKER_MAX_CONCURRENCY: '32',
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    })
    wire = await connectWire(server.url)
    await beamline.ready()
  }, 30_000)

  afterAll(async () => {
    await wire[Symbol.asyncDispose]()
    await beamline[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test.each(vectors.map((vector) => [vector.name, vector] as const))(
    '%s',
    async (_, vector) => {
      const before = new Set((await deadLettersOf(beamline)).map((letter) => letter['id']))
      wire.send(vector.send_raw ?? vector.send ?? '')
      if (vector.expect.result === null) await expectSilence(wire, vector)
      else await expectResult(wire, vector)
      expectAck(wire, vector)
      const { dead_letter: reason } = vector.expect
      const reasons = async (): Promise<unknown[]> =>
        (await deadLettersOf(beamline)).filter((letter) => !before.has(letter['id'])).map((letter) => letter['reason'])
      // What nobody is told about is written while later messages are already being answered.
      if (reason !== undefined) await eventually(async () => (await reasons()).length > 0)
      expect(await reasons()).toEqual(reason === undefined ? [] : [reason])
      expect(wire.broken).toEqual([])
    },
    30_000,
  )
})

/** Messages are taken in order: a case without a result has been dealt with when a later one has its result. */
async function expectSilence(wire: WireClient, vector: Vector): Promise<void> {
  const probe = assignment('echo', {})
  wire.send(probe)
  await wire.result(probe.assignment_id)
  expect(wire.results.get(idOf(vector) ?? '')).toBeUndefined()
}

async function expectResult(wire: WireClient, { expect: expected, ...vector }: Vector): Promise<void> {
  const id = idOf({ expect: expected, ...vector }) ?? ''
  const result = await wire.result(id)
  expect(result).toMatchObject(expected.result ?? {})
  for (const field of expected.absent ?? []) expect(result).not.toHaveProperty(field)
  const isEnveloped = wire.rawResults.get(id)?.[0]?.['kind'] === 'exec_result'
  expect(isEnveloped ? 'envelope' : 'bare').toBe(expected.form ?? 'bare')
}

function expectAck(wire: WireClient, vector: Vector): void {
  const acks = wire.acks.get(idOf(vector) ?? '') ?? []
  expect(acks.map((ack) => ack['status'])).toEqual(vector.expect.ack === null ? [] : [vector.expect.ack])
}

function idOf(vector: Vector): string | undefined {
  const id = assignmentOf(vector)['assignment_id']
  return typeof id === 'string' ? id : undefined
}
