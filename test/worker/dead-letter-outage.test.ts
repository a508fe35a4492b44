import { describe, expect, test } from 'bun:test'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { FakeClock } from '../support/fake-clock.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { assignment, bytesOf, openHub, startRig, type WorkerRig } from '../support/worker-rig.ts'

/** Makes the dead-letter file impossible to open, even for root: a folder stands in its place. */
async function obstruct(rig: WorkerRig): Promise<() => Promise<void>> {
  const path = rig.config.deadLetters.path.replace('.jsonl', '.rejected.jsonl')
  await rm(path, { force: true })
  await mkdir(path)
  await chmod(path, 0o700)
  return () => rm(path, { recursive: true })
}

const wrong = { job: { type: 'sleep', payload: { ms: 'soon' } } }
const blocked = (rig: WorkerRig) => rig.log.first(({ message }) => String(message).includes('intake pauses'))

describe('a dead letter that cannot be written', () => {
  test('keeps its delivery alive, pauses intake, shows in readiness, and is written in the end, once', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({ clock })
    const clear = await obstruct(rig)
    const delivery = new StoredDelivery({ body: bytesOf(assignment(wrong)), leaseMs: 3000 })
    rig.deliver(delivery)
    await blocked(rig)
    expect(rig.role.checks()).toEqual({ dead_letters: `cannot write dead letters to ${rig.config.deadLetters.path}` })
    expect(rig.intake).toEqual(['pause'])
    await clock.advance(1000)
    expect(delivery.done).toEqual(['extend'])
    expect([rig.results.all.length, rig.notifications.all.length]).toEqual([0, 0])
    await clear()
    while (rig.results.all.length === 0) await clock.advance(500)
    await clock.advance(0)
    expect(await rig.result('a-1')).toMatchObject({ error_code: 'INVALID_INPUT', attempts: 1 })
    expect(delivery.done.at(-1)).toBe('ack')
    expect(rig.intake).toEqual(['pause', 'resume'])
    expect(rig.role.checks()).toEqual({ dead_letters: 'ok' })
    expect((await rig.deadLetters()).length).toBe(1)
    expect(rig.notifications.all.length).toBe(1)
  })

  test('takes no more where the bus pushes: others get what comes meanwhile', async () => {
    const clock = new FakeClock()
    const hub = openHub()
    await using rig = await startRig({ clock, hub, env: { WORKER_ID: 'blocked' } })
    const clear = await obstruct(rig)
    rig.assign(wrong)
    await blocked(rig)
    await using other = await startRig({ hub, env: { WORKER_ID: 'other' } })
    for (let index = 0; index < 4; index++) rig.assign({ assignment_id: `b-${index}` })
    const results = await other.results.some(4)
    expect(results.map(({ text }) => JSON.parse(text).worker_id)).toEqual(Array(4).fill('other'))
    await other.drain()
    await clear()
    while (rig.resultsOf('a-1').length === 0) await clock.advance(500)
    rig.assign({ assignment_id: 'a-3' })
    expect(await rig.result('a-3')).toMatchObject({ status: 'success', worker_id: 'blocked' })
  })

  test('does not keep the process for ever: the assignment is given back to where it is stored', async () => {
    const clock = new FakeClock()
    await using rig = await startRig({ clock })
    const clear = await obstruct(rig)
    const delivery = new StoredDelivery({ body: bytesOf(assignment(wrong)), leaseMs: undefined })
    rig.deliver(delivery)
    await blocked(rig)
    await rig.drain()
    expect(delivery.done).toEqual(['give back'])
    expect(rig.results.all).toEqual([])
    await clear()
  })
})
