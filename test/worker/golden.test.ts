import { describe, expect, test } from 'bun:test'
import { goldenVectors, type Vector, vectorBody } from '../support/vectors.ts'
import { startRig, type Wire, type WorkerRig } from '../support/worker-rig.ts'

const ownTypes = ['echo', 'sleep']
const vectors = goldenVectors().filter((vector) => {
  const { type } = jobOf(vector)
  return typeof type !== 'string' || vector.expect.ack !== 'accepted' || ownTypes.includes(type)
})

test('the golden cases for echo, sleep and malformed input are all here', () => {
  expect(vectors.length).toBe(21)
})

describe('golden cases through the worker', () => {
  test.each(vectors.map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    await using rig = await startRig()
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

function jobOf({ send }: Vector): Wire {
  // The cases are the project's own: an envelope's `data` is an object.
  const assignment = send?.['kind'] === undefined ? send : (send['data'] as Wire)
  return (assignment?.['job'] as Wire | undefined) ?? {}
}
