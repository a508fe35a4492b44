/** What blobs cost in memory on their way through a worker process: its peak while it deals with one job. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { openSite, type Site } from '../handlers/http/http-world.ts'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { assignment } from '../support/fleet.ts'
import { type NatsServer, startNats } from '../support/nats-server.ts'
import { connectWire, type Wire, type WireClient } from '../support/wire-client.ts'

const size = 16_000_000
const mostStreamed = 40_000_000
const mostInline = 6 * size

let server: NatsServer
let beamline: BeamlineProcess
let wire: WireClient
let site: Site

/** Runs a job, which must succeed; resolves with its result. */
async function run(type: string, payload: unknown): Promise<Wire> {
  const job = assignment(type, payload)
  wire.send(job)
  const result = await wire.result(job.assignment_id, 20_000)
  if (result['status'] !== 'success') throw new Error(`${type} failed: ${JSON.stringify(result).slice(0, 1000)}`)
  return result
}

/** From /proc, in bytes. */
function memory(field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${beamline.pid}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024
}

/** By how much the memory of the process grows at most meanwhile, in bytes. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  // From here on the peak is measured anew.
  writeFileSync(`/proc/${beamline.pid}/clear_refs`, '5')
  const before = memory('VmRSS')
  await work()
  return memory('VmHWM') - before
}

describe.skipIf(process.platform !== 'linux')('16 MB', () => {
  beforeAll(async () => {
    server = await startNats({ config: 'max_payload: 64MB', jetstream: false })
    beamline = await startBeamline(['start'], {
      NATS_URL: server.url,
      JETSTREAM: 'off',
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    })
    site = openSite(({ path }) => new Response(path === '/large' ? new Uint8Array(size).fill(120) : 'small'))
    wire = await connectWire(server.url)
    await beamline.ready()
    await mkdir(`${beamline.folder}/blobs`, { recursive: true })
    await Bun.write(`${beamline.folder}/blobs/large`, new Uint8Array(size).fill(120))
    // What is done for the first time takes memory that stays.
    await run('fs_blob_put', { path: 'small', content: 'x' })
    await run('fs_blob_put', { path: 'small', from: 'fs:small' })
    await run('fs_blob_get', { path: 'small', verify: true })
    await run('http', { url: site.url, save_to: 'small' })
  }, 30_000)

  afterAll(async () => {
    await wire[Symbol.asyncDispose]()
    await beamline[Symbol.asyncDispose]()
    await site[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  test('copied, saved from a response, or verified, are not held', async () => {
    for (let turn = 0; turn < 3; turn++) {
      expect(await growth(() => run('fs_blob_put', { path: 'copy', from: 'fs:large' }))).toBeLessThan(mostStreamed)
      expect(await growth(() => run('http', { url: `${site.url}/large`, save_to: 'saved' }))).toBeLessThan(mostStreamed)
      const part = { path: 'copy', verify: true, range: { start: 0, end: 10 } }
      expect(await growth(() => run('fs_blob_get', part))).toBeLessThan(mostStreamed)
    }
    expect(await run('fs_blob_stat', { path: 'saved' })).toMatchObject({ output: { size } })
  }, 60_000)

  test('read in ranges take less than 40 MB, of which the results that are kept take half', async () => {
    const step = 500_000
    const taken = await growth(async () => {
      for (let start = 0; start < size; start += step) {
        await run('fs_blob_get', { path: 'large', range: { start, end: start + step } })
      }
    })
    expect(taken).toBeLessThan(mostStreamed)
  }, 60_000)

  test.each([
    ['put as base64', 'fs_blob_put', { path: 'inline', bytes: Buffer.alloc(size, 'y').toString('base64') }],
    ['put as text', 'fs_blob_put', { path: 'inline', content: 'y'.repeat(size) }],
    ['gotten as base64', 'fs_blob_get', { path: 'large' }],
    ['gotten as text', 'fs_blob_get', { path: 'large', encoding: 'text' }],
  ])(
    '%s take less than six times their size',
    async (_, type, payload) => {
      for (let turn = 0; turn < 2; turn++) expect(await growth(() => run(type, payload))).toBeLessThan(mostInline)
    },
    60_000,
  )
})
