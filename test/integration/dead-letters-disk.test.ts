/** Dead letters on a disk that fills up. Where this process may not mount one, there is nothing to see. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rejection } from '../contract/bus-world.ts'
import { fileWorld } from '../dlq/file-world.ts'
import { observe } from '../nats/observer.ts'
import { startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { assignment, complaintsOf, metricComesTo, sendAll } from '../support/fleet.ts'
import { allOf, letter } from '../support/letters.ts'
import { startNats } from '../support/nats-server.ts'
import { connectWire } from '../support/wire-client.ts'

const disk = await mkdtemp(join(tmpdir(), 'beamline-disk-'))
const mayMount =
  process.platform === 'linux' && Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'none', disk]).success
afterAll(async () => {
  if (mayMount) Bun.spawnSync(['umount', disk])
  await rm(disk, { recursive: true, force: true })
}, 60_000)

const path = join(disk, 'dlq.jsonl')
const filler = join(disk, 'filler')

/** Takes all the room there is. */
async function fill(): Promise<void> {
  await using file = await open(filler, 'w')
  const bytes = Buffer.alloc(4096)
  expect(await rejection(Promise.all(Array.from({ length: 1000 }, () => file.write(bytes))))).toMatchObject({
    code: 'ENOSPC',
  })
}

async function isBlocked(readiness: Response): Promise<boolean> {
  return readiness.status === 503 && (await readiness.text()).includes(`cannot write dead letters to ${path}`)
}

test.if(mayMount)(
  'what does not fit is not kept in part, and kept as soon as there is room',
  async () => {
    await using world = await fileWorld()
    const store = await world.open({ config: { path } })
    const [first, second, third] = [letter(), letter({ assignment: { input: 'x'.repeat(100_000) } }), letter()]
    await store.write(first)
    await fill()
    const refusals = await Promise.all([rejection(store.write(second)), rejection(store.write(second))])
    const refused = { message: `cannot write to ${path}` }
    expect(refusals).toMatchObject([refused, refused])
    expect((await allOf(store)).map(({ record }) => record.id)).toEqual([first.id])
    await rm(filler)
    await store.write(third)
    await store.write(second)
    expect((await Bun.file(path).text()).split('\n').length).toBe(4)
    expect(await store.purge(() => true, new AbortController().signal)).toBe(3)
  },
  60_000,
)

test.if(mayMount)(
  'while dead letters cannot be kept nothing is acked, and everything goes on when they can',
  async () => {
    await using server = await startNats()
    const sizes = { DLQ_PATH: path, DLQ_MAX_BYTES: '1MB', DLQ_TOTAL_MAX_BYTES: '1MB' }
    await using worker = await startBeamline(['start'], { NATS_URL: server.url, JETSTREAM: 'require', ...sizes })
    await worker.ready()
    await using wire = await connectWire(server.url)
    await using observer = await observe(server.url)
    const [stream] = await observer.manager.streams.list().next()
    const stored = async (): Promise<number> =>
      (await observer.manager.streams.info(stream?.config.name ?? '')).state.messages

    await fill()
    const failing = Array.from({ length: 60 }, () => assignment('javascript', { code: 'throw new Error("no")' }))
    const unknown = Array.from({ length: 20 }, () => assignment('no_such_type', {}))
    await sendAll(wire, [...failing, ...unknown])
    await eventually(async () => isBlocked(await fetch(`${await worker.url()}/ready`)), {
      timeoutMs: 20_000,
    })
    const good = Array.from({ length: 40 }, (_, n) => assignment('echo', { n }))
    await sendAll(wire, good)
    const bad = [...failing, ...unknown]
    expect(bad.filter((job) => wire.results.has(job.assignment_id))).toEqual([])
    expect(await stored()).toBeGreaterThanOrEqual(bad.length)
    expect((await fetch(`${await worker.url()}/health`)).status).toBe(200)

    await rm(filler)
    await wire.answered(120, 40_000)
    await worker.ready()
    await eventually(async () => (await stored()) === 0)
    const statuses = [...bad, ...good].map((job) => wire.results.get(job.assignment_id)?.map(({ status }) => status))
    expect(statuses).toEqual([...bad.map(() => ['error']), ...good.map(() => ['success'])])
    await using world = await fileWorld()
    const kept = await allOf(await world.open({ config: { path } }))
    expect(kept.map(({ record }) => record.assignment_id ?? '').toSorted()).toEqual(
      bad.map((job) => job.assignment_id).toSorted(),
    )
    await metricComesTo([worker], 'worker_dlq_entries', bad.length)
    expect(complaintsOf(worker).filter((line) => line.includes('Dead letters cannot be written')).length).toBe(1)
  },
  90_000,
)
