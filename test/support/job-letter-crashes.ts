import { expect } from 'bun:test'
import { fileWorld } from '../dlq/file-world.ts'
import { runBeamline, startBeamline } from './beamline-process.ts'
import { notOnce } from './fleet.ts'
import { startJobLetterWriter } from './job-letter-writer.ts'
import { allOf } from './letters.ts'
import { LineLog } from './line-log.ts'
import { startNats } from './nats-server.ts'
import { connectWire } from './wire-client.ts'

const random = (most: number): number => Math.floor(Math.random() * most)

/** Runs a process that writes dead letters and kills it after so many; resolves with the jobs it said were kept. */
async function writeAndDie(path: string, tag: string, lines: number): Promise<readonly string[]> {
  const child = startJobLetterWriter(path, tag)
  const log = new LineLog()
  const read = log.read(child.stdout, 'stdout')
  await log.waitFor((line) => line === `${tag}-${lines}`)
  child.kill('SIGKILL')
  await Promise.all([child.exited, read])
  return log.stdout
}

/**
 * Kills so many processes in the middle of writing dead letters, then replays everything that can be read with a worker:
 * each job gets exactly one result, and nothing that was said to be kept is missing.
 */
export async function expectEachReplayedOnce(kills: number): Promise<void> {
  await using world = await fileWorld()
  const kept: string[] = []
  for (let round = 0; round < kills; round += 3) {
    const tags = [0, 1, 2].map((at) => `job-${round + at}`)
    const written = await Promise.all(tags.map((tag) => writeAndDie(world.path, tag, random(12))))
    kept.push(...written.flat())
  }
  const store = await world.open()
  const found = (await allOf(store)).map(({ record }) => String(record.assignment_id))
  expect(new Set(found).size).toBe(found.length)
  const there = new Set(found)
  expect(kept.filter((id) => !there.has(id))).toEqual([])

  await using server = await startNats()
  await using wire = await connectWire(server.url)
  const settings = { NATS_URL: server.url, JETSTREAM: 'require' }
  await using worker = await startBeamline(['start'], settings)
  await worker.ready()
  const args = ['dlq', 'replay', '--limit', '100000']
  const { code, stdout } = await runBeamline(args, { ...settings, DLQ_PATH: world.path, LOG_LEVEL: 'error' })
  expect({ code, lines: stdout.length }).toEqual({ code: 0, lines: found.length })
  await wire.answered(found.length, 60_000)
  await worker.stop()
  await wire.flush()
  expect(
    notOnce(
      found.map((id) => `${id}.r1`),
      wire.results,
    ),
  ).toEqual([])
  expect(wire.results.size).toBe(found.length)
  expect(wire.broken).toEqual([])
}
