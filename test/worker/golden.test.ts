import { afterAll, describe, expect, test } from 'bun:test'
import { openEchoSite } from '../support/echo-site.ts'
import { startPostgres } from '../support/postgres.ts'
import { runnableVectors, type Vector, vectorBody } from '../support/vectors.ts'
import { startRig, type WorkerRig } from '../support/worker-rig.ts'

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

describe('golden cases through the worker', () => {
  test.each(vectors.map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    await using rig = await startRig({ env: { EGRESS_ALLOW_CIDRS: '127.0.0.0/8' } })
    rig.send(vectorBody(vector))
    if (vector.expect.dead_letter !== undefined) await rig.notifications.first()
    if (vector.expect.result === null) await rig.drain()
    else await expectResult(rig, vector)
    await rig.drain()
    expect(rig.acks.all.map(({ wire }) => wire['status'])).toEqual(
      vector.expect.ack === null ? [] : [vector.expect.ack],
    )
    expect(rig.results.all.length).toBe(vector.expect.result === null ? 0 : 1)
    const letters = await rig.deadLetters()
    expect(letters.map((letter) => letter['reason'] as string | undefined)).toEqual(
      vector.expect.dead_letter === undefined ? [] : [vector.expect.dead_letter],
    )
  })
})

async function expectResult(rig: WorkerRig, { expect: expected }: Vector): Promise<void> {
  const result = await rig.results.first()
  expect(result.wire).toMatchObject(expected.result ?? {})
  for (const field of expected.absent ?? []) expect(result.wire).not.toHaveProperty(field)
  expect(result.enveloped ? 'envelope' : 'bare').toBe(expected.form ?? 'bare')
}
