/** Workers with DLQ_STREAM, in processes of their own. */
import { describe, expect, test } from 'bun:test'
import { mkdir, rm, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { observe } from '../nats/observer.ts'
import { openDeadLetterStream, ownDeadLetters } from '../nats/open-dead-letters.ts'
import { startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, deadLettersOf, startFleet } from '../support/fleet.ts'
import { allOf, letter } from '../support/letters.ts'
import { LineLog } from '../support/line-log.ts'
import { hasNats, startNats } from '../support/nats-server.ts'
import { connectWire, type WireClient } from '../support/wire-client.ts'

const versions = (['newest', 'old'] as const).filter(hasNats)
const platform = { DLQ_STREAM: 'DLQ', CAF_DLQ_SUBJECT: 'caf.deadletter.v1' }
const readable = (url: string) => openDeadLetterStream(url, platform)

function failing(more: Readonly<Record<string, unknown>> = {}) {
  return assignment('javascript', { code: 'throw new Error("no")', ...more })
}

async function fail(wire: WireClient, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const job = failing(more)
  wire.send(job)
  await wire.result(job.assignment_id, 20_000)
  return job.assignment_id
}

describe.each(versions)('on the %s server', (version) => {
  test('an entry is in the stream before the result is published, and that before the ack', async () => {
    await using server = await startNats({ version })
    await using fleet = await startFleet(2, { NATS_URL: server.url, JETSTREAM: 'require', ...platform })
    await using wire = await connectWire(server.url)
    await using observer = await observe(server.url)
    await using opened = await readable(server.url)
    const failed = await fail(wire)
    const refused = assignment('no_such_type', {})
    wire.send(refused)
    await wire.result(refused.assignment_id, 20_000)

    const { streams, consumers } = observer.manager
    await eventually(async () => (await consumers.info('CAF_EXEC', 'caf-workers')).num_ack_pending === 0)
    const ackedAt = Date.parse(String((await consumers.info('CAF_EXEC', 'caf-workers')).ack_floor.last_active))
    const kept = await allOf(opened.store)
    expect(kept.map(({ record, rejected }) => [record.assignment_id, record.reason, rejected])).toEqual([
      [refused.assignment_id, 'REJECTED', true],
      [failed, 'JOB_FAILED', false],
    ])
    for (const [n, { record, rejected }] of kept.entries()) {
      const family = rejected ? 'rejected' : 'entry'
      const subject = `${platform.CAF_DLQ_SUBJECT}.${family}.${record.id}`
      const entry = await streams.getMessage(rejected ? 'DLQ_REJECTED' : 'DLQ', { last_by_subj: subject })
      const result = await streams.getMessage('CAF_RESULTS', { seq: kept.length - n })
      expect(result?.json<{ assignment_id: string }>().assignment_id).toBe(record.assignment_id ?? '')
      expect(entry?.timestamp.localeCompare(result?.timestamp ?? '')).toBe(-1)
      expect(Date.parse(result?.timestamp ?? '')).toBeLessThanOrEqual(ackedAt)
    }
    for (const worker of fleet.workers) expect(await deadLettersOf(worker)).toEqual([])
  }, 60_000)

  test('a fleet writes to one stream, and its metrics tell of it', async () => {
    await using server = await startNats({ version })
    await using fleet = await startFleet(2, { NATS_URL: server.url, ...platform })
    await using wire = await connectWire(server.url)
    await using opened = await readable(server.url)
    const ids = await Promise.all(Array.from({ length: 40 }, () => fail(wire)))
    const kept = await allOf(opened.store)
    expect(kept.map(({ record }) => record.assignment_id ?? '').toSorted()).toEqual(ids.toSorted())
    expect(new Set(kept.map(({ record }) => record.worker_id)).size).toBe(2)
    for (const worker of fleet.workers) {
      const text = await (await fetch(`${await worker.url()}/metrics`)).text()
      expect(text).toMatch(/^worker_dlq_entries \d+$/m)
      expect(await deadLettersOf(worker)).toEqual([])
    }
  }, 60_000)

  test('what the stream cannot take goes to the file, and the rest is in the stream again when it can', async () => {
    await using server = await startNats({ version })
    await using beamline = await startBeamline(['start'], { NATS_URL: server.url, ...platform })
    await beamline.ready()
    await using wire = await connectWire(server.url)
    await using observer = await observe(server.url)
    await using opened = await readable(server.url)
    const { streams } = observer.manager
    const inStream = async () => (await allOf(opened.store)).map(({ record }) => record.assignment_id ?? '')
    const inFile = async () => (await deadLettersOf(beamline)).map((line) => line['assignment_id'])
    await fail(wire)
    await streams.update('DLQ', { max_msg_size: 10_000 })
    const large = await fail(wire, { args: { text: 'x'.repeat(20_000) } })
    // Somebody else's stream stands in the place of it.
    await streams.delete('DLQ')
    await streams.add({ name: 'OTHER', subjects: ['caf.deadletter.v1.entry.*'] })
    const homeless = await fail(wire)
    expect(await inFile()).toEqual([large, homeless])
    await streams.delete('OTHER')
    const back: string[] = []
    await eventually(
      async () => {
        back.push(await fail(wire))
        return (await inStream()).length > 0
      },
      { timeoutMs: 20_000, everyMs: 500 },
    )
    expect(await inStream()).toEqual(back.slice(-1))
    expect(await inFile()).toEqual([large, homeless, ...back.slice(0, -1)])
    await beamline.waitFor((line) => line.includes('Dead letters go to the stream DLQ again'))
    const said = beamline.logs().map(({ message }) => String(message))
    expect(said.filter((message) => message.startsWith('Dead letters'))).toEqual([
      'Dead letters that are too large for the stream go to the file',
      'Dead letters go to the file, for the stream fails',
      'Dead letters go to the stream DLQ again',
    ])
  }, 60_000)
})

test('with both places gone nothing is acked, readiness names them, and everything goes on when one is back', async () => {
  await using server = await startNats()
  const settings = { NATS_URL: server.url, JETSTREAM: 'require', ...platform }
  await using beamline = await startBeamline(['start'], settings)
  const url = await beamline.ready()
  await using wire = await connectWire(server.url)
  await using observer = await observe(server.url)
  const { streams, consumers } = observer.manager
  const path = join(beamline.folder, 'dead-letters.jsonl')
  await streams.delete('DLQ')
  await streams.add({ name: 'OTHER', subjects: ['caf.deadletter.v1.entry.*'] })
  await rm(path)
  await mkdir(path)
  const job = failing()
  wire.send(job)
  const readiness = async () => (await fetch(`${url}/ready`)).text()
  await eventually(async () => (await readiness()).includes(`the stream DLQ or ${path}`), { timeoutMs: 20_000 })
  expect(wire.results.has(job.assignment_id)).toBe(false)
  expect((await consumers.info('CAF_EXEC', 'caf-workers')).num_ack_pending).toBe(1)
  await rmdir(path)
  await wire.result(job.assignment_id, 20_000)
  await eventually(async () => (await fetch(`${url}/ready`)).ok)
  expect((await deadLettersOf(beamline)).map((line) => line['assignment_id'])).toEqual([job.assignment_id])
}, 60_000)

test('of two processes that claim the same entries at once, one is granted each', async () => {
  await using server = await startNats()
  const env = ownDeadLetters()
  await using opened = await openDeadLetterStream(server.url, env)
  await eventually(() => opened.store.size() !== undefined)
  const records = Array.from({ length: 200 }, () => letter())
  await Promise.all(records.map((record) => opened.store.write(record)))
  const program = resolve(import.meta.dir, '../support/dead-letter-claimer.ts')
  const claimers = Array.from({ length: 2 }, () => {
    const args = [process.execPath, program, server.url, env.DLQ_STREAM, env.CAF_DLQ_SUBJECT]
    const child = Bun.spawn(args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const log = new LineLog()
    void log.read(child.stdout, 'stdout')
    return { child, log }
  })
  for (const { log } of claimers) await log.waitFor((line) => line === 'ready')
  for (const { child } of claimers) {
    await child.stdin.write('go\n')
    await child.stdin.flush()
  }
  const lines = await Promise.all(claimers.map(({ log }) => log.waitFor((line) => line.startsWith('['))))
  // What the claimers print.
  const granted = lines.map((line) => JSON.parse(line) as readonly string[])
  expect(granted.flat().toSorted()).toEqual(records.map(({ id }) => id).toSorted())
  for (const { child } of claimers) expect(await child.exited).toBe(0)
  expect((await allOf(opened.store)).filter(({ mark }) => mark?.state !== 'done')).toEqual([])
}, 60_000)
