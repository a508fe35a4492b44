import { beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { copyFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { interruptAgain, runBeamline, startBeamline } from '../support/beamline-process.ts'
import { type NatsServer, startNats } from '../support/nats-server.ts'
import { connectWire } from '../support/wire-client.ts'

const root = resolve(import.meta.dir, '../..')
const program = [join(root, 'dist/beamline')]
const buildLimitMs = 120_000

beforeAll(async () => {
  if (existsSync(program[0] ?? '')) return
  const build = Bun.spawn([process.execPath, 'build.ts'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  expect(await build.exited).toBe(0)
}, buildLimitMs)

/** A folder with files that a program made with Bun would read, if it were let. */
function hostileFolder() {
  const path = mkdtempSync(join(tmpdir(), 'beamline-hostile-'))
  writeFileSync(join(path, '.env'), 'WORKER_MAX_CONCURRENCY=999\nLOG_LEVEL=nonsense\n')
  writeFileSync(join(path, 'bunfig.toml'), 'preload = ["./preload.ts"]\n')
  writeFileSync(join(path, 'preload.ts'), 'process.stdout.write("PRELOADED\\n")\nprocess.exit(42)\n')
  writeFileSync(join(path, 'tsconfig.json'), '{ "extends": "./not-there.json" }')
  writeFileSync(join(path, 'package.json'), '{ "name": "other", "type": "commonjs" }')
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

async function inHostileFolder(args: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  using folder = hostileFolder()
  return await runBeamline(args, settings, { program, cwd: folder.path })
}

describe('the executable, alone in a hostile folder', () => {
  test('--version', async () => {
    const { version } = (await Bun.file(join(root, 'package.json')).json()) as { version: string }
    const { code, stdout, stderr } = await inHostileFolder(['--version'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
    expect(stdout.length).toBe(1)
    expect(stdout[0]).toMatch(new RegExp(`^beamline ${RegExp.escape(version)} \\(commit ([0-9a-f]{7,}|unknown), Bun `))
  }, 60_000)

  test('wrong settings: 2, each named', async () => {
    const { code, stderr } = await inHostileFolder(['start'], {
      NATS_URL: 'http://x',
      MAX_DELIVERIES: '0',
      DLQ_PATH: '\u0007',
    })
    expect(code).toBe(2)
    expect(stderr.map((line) => line.split(':')[0] ?? '').toSorted()).toEqual([
      'DLQ_PATH',
      'MAX_DELIVERIES',
      'NATS_URL',
    ])
  }, 60_000)

  test('run: the examples', async () => {
    const { code, stdout, stderr } = await inHostileFolder(['run', join(root, 'examples/demo.jsonl')])
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
    expect(stdout.length).toBe(5)
  }, 60_000)

  test('config and check', async () => {
    const config = await inHostileFolder(['config', '--json'])
    expect(config.code).toBe(0)
    expect(config.stdout.join('')).not.toContain('999')
    const check = await inHostileFolder(['check'], { NATS_URL: 'nats://127.0.0.1:1' })
    expect(check.code).toBe(3)
  }, 60_000)

  test('the port is in use: 2', async () => {
    await using first = await startBeamline(['dev'], {}, { program })
    const { host } = new URL(await first.url())
    const { code, stderr } = await inHostileFolder(['dev'], { HEALTH_BIND: host })
    expect(code).toBe(2)
    expect(stderr[0]).toStartWith('HEALTH_BIND: ')
    expect((await inHostileFolder(['health'], { HEALTH_BIND: host })).code).toBe(0)
  }, 60_000)
})

test.skipIf(process.getuid?.() !== 0 || Bun.which('setpriv') === null)(
  'the executable runs as a user that the system does not know, who has no home',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'beamline-homeless-'))
    await using _cleaned = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
    chmodSync(folder, 0o755)
    const own = join(folder, 'beamline')
    await copyFile(program[0] ?? '', own)
    const nobody = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups', own]
    const homeless = { HOME: undefined, STATE_PATH: undefined }
    const { code, stdout } = await runBeamline(['config'], homeless, { program: nobody, cwd: folder })
    expect(code).toBe(0)
    expect(stdout.join('\n')).toMatch(/STATE_PATH +\/tmp\//)
  },
)

describe.each(['auto', 'require'])('the executable on NATS, JETSTREAM=%s', (mode) => {
  const open = async (server: NatsServer, settings: Readonly<Record<string, string>> = {}) => {
    const beamline = await startBeamline(['start'], { NATS_URL: server.url, JETSTREAM: mode, ...settings }, { program })
    return { beamline, url: await beamline.ready(), [Symbol.asyncDispose]: () => beamline[Symbol.asyncDispose]() }
  }

  test('a job; then SIGTERM with one in flight, which still ends well within the grace period', async () => {
    await using server = await startNats()
    await using wire = await connectWire(server.url)
    await using running = await open(server)
    wire.send(job('quick', { type: 'echo', payload: { n: 1 } }))
    expect(await wire.result('quick')).toMatchObject({ status: 'success', output: { n: 1 } })
    wire.send(job('slow', { type: 'sleep', payload: { ms: 700 } }))
    await until(running.url, 1)
    expect(await running.beamline.stop('SIGTERM')).toBe(0)
    expect(await wire.result('slow')).toMatchObject({ status: 'success', output: { slept_ms: 700 } })
    expect(wire.broken).toEqual([])
  }, 60_000)

  test('SIGTERM with a job that takes longer than the grace period: another worker ends it', async () => {
    await using server = await startNats()
    await using wire = await connectWire(server.url)
    await using first = await open(server, { SHUTDOWN_GRACE_MS: '50' })
    wire.send(job('long', { type: 'sleep', payload: { ms: 1500 } }))
    await until(first.url, 1)
    await using second = await open(server)
    expect(await first.beamline.stop('SIGTERM')).toBe(0)
    expect(await wire.result('long')).toMatchObject({ status: 'success', attempts: 1 })
    expect(wire.deadLetters).toEqual([])
    expect(await second.beamline.stop('SIGTERM')).toBe(0)
  }, 60_000)

  test('a second interrupt ends it at once', async () => {
    await using server = await startNats()
    await using wire = await connectWire(server.url)
    await using running = await open(server)
    wire.send(job('long', { type: 'sleep', payload: { ms: 60_000 }, timeout_ms: 120_000 }))
    await until(running.url, 1)
    running.beamline.signal('SIGINT')
    await running.beamline.waitFor((line) => line.includes('Draining'))
    expect(await interruptAgain(running.beamline)).toBe(130)
  }, 60_000)
})

function job(assignmentId: string, what: Readonly<Record<string, unknown>>) {
  return { version: '1', assignment_id: assignmentId, tenant_id: 'tenant', job: what }
}

/** Resolves when this many jobs run. */
async function until(url: string, jobs: number): Promise<void> {
  for (;;) {
    const health = (await (await fetch(`${url}/health`)).json()) as { active_jobs: number }
    if (health.active_jobs === jobs) return
  }
}
