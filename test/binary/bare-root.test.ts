import { describe, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { root } from '../../build/source.ts'
import { type BareRoot, bareUser, hasBareRoot, openBareRoot } from '../support/bare-root.ts'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'
import { startNats } from '../support/nats-server.ts'
import { openOwnHandlers } from '../support/own-handlers.ts'
import { connectWire } from '../support/wire-client.ts'

/** Of the C library in distroless `base`: what the executable may ask for. */
const libraries = ['ld-linux-x86-64.so.2', 'libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'librt.so.1']
/** Nothing of the environment outside. */
const outside = { PATH: undefined, HOME: undefined, STATE_PATH: undefined }
const settings = {
  ...outside,
  DLQ_PATH: '/tmp/dead-letters.jsonl',
  FS_BASE_DIR: '/tmp/blobs',
}
const possible = hasBareRoot && process.platform === 'linux' && process.arch === 'x64'
const limitMs = 60_000

const open = (): Promise<BareRoot> => openBareRoot(join(root, 'dist/beamline'))

function openSite(): Bun.Server<undefined> {
  return Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: ({ url }) => Response.json(url.endsWith('/graphql') ? { data: { n: 41 } } : { hello: 'world' }),
  })
}

describe.skipIf(!possible)('the executable in a read-only root with nothing else in it', () => {
  test(
    'finds there: itself, the C library and certificates',
    async () => {
      await using bare = await open()
      const names = bare.files.map((path) => basename(path))
      const allowed = new Set([...libraries, 'beamline', 'ca-certificates.crt'])
      expect(names.filter((name) => !allowed.has(name))).toEqual([])
      expect(names).toContain('libc.so.6')
      const { code, stdout, stderr } = await runBeamline(['--version'], outside, { program: bare.program })
      expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
      expect(stdout[0]).toStartWith('beamline ')
    },
    limitMs,
  )

  test(
    'runs a job of every type that needs no server of its own',
    async () => {
      await using bare = await open()
      await using site = openSite()
      const jobs = [
        { type: 'echo', payload: { hello: 'world' } },
        { type: 'sleep', payload: { ms: 5 } },
        { type: 'http', payload: { url: `${site.url.origin}/`, transform: { response: 'body.hello' } } },
        { type: 'graphql', payload: { url: `${site.url.origin}/graphql`, query: '{ n }' } },
        { type: 'javascript', payload: { code: 'x * 2', args: { x: 21 } } },
        { type: 'jmespath', payload: { expression: 'sum(@)', data: [1, 2] } },
        { type: 'fs_blob_put', payload: { path: 'a/b.txt', content: 'hello' } },
        { type: 'fs_blob_get', payload: { path: 'a/b.txt', encoding: 'text' } },
        { type: 'fs_blob_list', payload: { prefix: 'a/' } },
        { type: 'fs_blob_stat', payload: { path: 'a/b.txt' } },
        { type: 'fs_blob_delete', payload: { path: 'a/b.txt' } },
      ]
      const { code, outputs, stderr } = await run(bare, jobs, { WORKER_MAX_CONCURRENCY: '1' })
      expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
      expect(outputs).toMatchObject([
        { hello: 'world' },
        { slept_ms: 5 },
        { status: 200, value: 'world' },
        { data: { n: 41 } },
        42,
        3,
        { path: 'a/b.txt', size: 5, created: true },
        { content: 'hello' },
        { items: [{ path: 'a/b.txt' }] },
        { size: 5 },
        { deleted: true },
      ])
      const asked = { type: 'human_approval', payload: { prompt: 'Shall we?' } }
      const approved = await run(bare, [asked], { WORKER_SANDBOX_MODE: 'true' })
      expect(approved).toMatchObject({ code: 0, outputs: [{ approved: true }] })

      await using own = await openOwnHandlers()
      const others = new Set(own.handlers.map(({ type }) => type)).difference(
        new Set([...jobs, asked].map((job) => job.type)),
      )
      expect([...others]).toEqual(['sql'])
    },
    limitMs,
  )

  test(
    'cannot write anywhere but in /tmp',
    async () => {
      await using bare = await open()
      const put = { type: 'fs_blob_put', payload: { path: 'a.txt', content: 'hello' } }
      const { code } = await run(bare, [put], { FS_BASE_DIR: '/usr/blobs' })
      expect(code).not.toBe(0)
      const { stdout } = await runBeamline(
        ['check'],
        { ...settings, DLQ_PATH: '/dead-letters.jsonl' },
        { program: bare.program },
      )
      expect(stdout.join('\n')).toMatch(/dead_letters .*read-only/)
    },
    limitMs,
  )

  test(
    'works on NATS as nobody in particular, tells its health and ends in good order',
    async () => {
      await using bare = await open()
      await using server = await startNats()
      await using wire = await connectWire(server.url)
      const { program } = bare
      const onNats = { ...settings, NATS_URL: server.url, JETSTREAM: 'require' }
      await using worker = await startBeamline(['start'], onNats, { program })
      const { host } = new URL(await worker.ready())
      const status = await readFile(`/proc/${worker.pid}/status`, 'utf8')
      if (process.getuid?.() === 0) expect(status).toMatch(new RegExp(`^Uid:(\\s+${bareUser}){4}$`, 'm'))
      expect(status).toMatch(/^CapEff:\s+0+$/m)
      expect(await runBeamline(['health'], { ...settings, HEALTH_BIND: host }, { program })).toMatchObject({ code: 0 })
      wire.send({
        version: '1',
        assignment_id: 'scripted',
        tenant_id: 'tenant',
        job: { type: 'javascript', payload: { code: '6 * 7' } },
      })
      expect(await wire.result('scripted')).toMatchObject({ status: 'success', output: 42 })
      expect(await worker.stop('SIGTERM')).toBe(0)
      expect(wire.broken).toEqual([])
    },
    limitMs,
  )
})

async function run(bare: BareRoot, jobs: readonly unknown[], extra: Readonly<Record<string, string>>) {
  const stdin = jobs.map((job) => `${JSON.stringify(job)}\n`).join('')
  const { program } = bare
  const { code, stdout, stderr } = await runBeamline(['run', '-'], { ...settings, ...extra }, { program, stdin })
  // Each line is a result.
  const outputs = stdout.map((line) => (JSON.parse(line) as { readonly output?: unknown }).output)
  return { code, outputs, stderr: stderr.filter((line) => !line.includes('SANDBOX MODE')) }
}
