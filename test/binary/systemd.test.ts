import { describe, expect, test } from 'bun:test'
import { copyFile, link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { startBeamline } from '../support/beamline-process.ts'
import { eventually } from '../support/eventually.ts'
import { startNats } from '../support/nats-server.ts'
import { startPostgres } from '../support/postgres.ts'
import { findSystemd } from '../support/systemd-binary.ts'
import { allowedSystemCalls, unitPath } from '../support/unit-file.ts'
import { connectWire } from '../support/wire-client.ts'

const root = resolve(import.meta.dir, '../..')
const binary = join(root, 'dist/beamline')
const analyze = findSystemd() ?? ''
/** Of 10; what is left of it is the network, which a worker is for. */
const mostExposure = 1.5

async function run(args: readonly string[]) {
  const child = Bun.spawn([analyze, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, stdout, stderr }
}

/** A machine as systemd sees it, with the service installed as deploy/README.md says. */
async function machine() {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-machine-'))
  const at = async (path: string): Promise<string> => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    return join(folder, path)
  }
  // A hard link, for the file is large; a copy where that cannot be.
  const program = await at('usr/local/bin/beamline')
  await link(binary, program).catch(() => copyFile(binary, program))
  await copyFile(unitPath, await at('etc/systemd/system/beamline.service'))
  const beside = dirname(unitPath)
  await copyFile(join(beside, 'secrets.conf'), await at('etc/systemd/system/beamline.service.d/secrets.conf'))
  await copyFile(join(beside, 'beamline.env'), await at('etc/beamline/beamline.env'))
  for (const name of ['sysinit', 'basic', 'network', 'network-online', 'shutdown', 'multi-user'])
    await writeFile(await at(`usr/lib/systemd/system/${name}.target`), `[Unit]\nDescription=${name}\n`)
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

describe.skipIf(analyze === '')('the unit', () => {
  test('is understood by systemd, word for word, on a machine with the binary on it', async () => {
    await using on = await machine()
    expect(await run(['verify', `--root=${on.folder}`, 'beamline.service'])).toMatchObject({ code: 0, stderr: '' })
    await rm(join(on.folder, 'usr/local/bin/beamline'))
    expect(await run(['verify', `--root=${on.folder}`, 'beamline.service'])).not.toMatchObject({ code: 0 })
  }, 60_000)

  test('is what the command of the manual runs as', async () => {
    const manual = await readFile(join(root, 'deploy/README.md'), 'utf8')
    const [, command = ''] = /^(systemd-run .*?)\n```/ms.exec(manual) ?? []
    const properties = [...command.matchAll(/-p (?:"(.+?)"|(\S+))/g)].map(([, quoted, word]) => quoted ?? word ?? '')
    const lines = (await readFile(unitPath, 'utf8')).replaceAll('%S', '/var/lib').split('\n')
    expect(properties.length).toBeGreaterThan(5)
    expect(properties.filter((property) => !lines.includes(property))).toEqual([])
    expect(properties.filter((property) => /^(User|StateDirectory|Environment|UMask)/.test(property)).length).toBe(
      lines.filter((line) => /^(User|StateDirectory|Environment|UMask)/.test(line)).length,
    )
  })

  test('exposes little', async () => {
    const { stdout } = await run(['security', '--offline=true', '--no-pager', unitPath])
    const exposure = /exposure level for beamline.service: ([\d.]+)/.exec(stdout)?.[1]
    expect(Number(exposure)).toBeLessThanOrEqual(mostExposure)
  }, 60_000)
})

describe.skipIf(analyze === '' || process.platform !== 'linux')('the binary under the filter of the unit', () => {
  test('starts, runs jobs of every kind, keeps an approval, and drains', async () => {
    await using nats = await startNats()
    await using postgres = await startPostgres()
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'beamline-confined-'))
    stack.defer(() => rm(folder, { recursive: true }))
    // As a StateDirectory of a DynamicUser is: reached through a link.
    await mkdir(join(folder, 'private'))
    await symlink('private', join(folder, 'state'))
    await writeFile(join(folder, 'calls'), [...(await allowedSystemCalls(analyze))].join('\n'))
    const confine = [process.execPath, resolve(import.meta.dir, '../support/confine.ts'), join(folder, 'calls')]
    await using worker = await startBeamline(
      ['start'],
      {
        NATS_URL: nats.url,
        JETSTREAM: 'require',
        DATABASE_URL: postgres.url,
        EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
        DLQ_PATH: join(folder, 'state/dead-letters.jsonl'),
        FS_BASE_DIR: join(folder, 'state/blobs'),
        STATE_PATH: join(folder, 'state/beamline.sqlite'),
        STATE_STORE: 'sqlite',
      },
      { program: [...confine, binary] },
    )
    const url = await worker.ready()
    await using wire = await connectWire(nats.url)
    const jobs = {
      echo: { any: 1 },
      sleep: { ms: 1 },
      javascript: { code: '6 * 7' },
      jmespath: { expression: 'map(&@, list)', data: { list: Array.from({ length: 5000 }, (_, index) => index) } },
      http: { url: `${url}/health` },
      sql: { query: 'select 42 as answer' },
      fs_blob_put: { path: 'a/b.txt', content: 'hello' },
    }
    for (const [type, payload] of Object.entries(jobs))
      wire.send({ version: '1', assignment_id: type, tenant_id: 'acme', job: { type, payload } })
    for (const type of Object.keys(jobs)) expect(await wire.result(type)).toMatchObject({ status: 'success' })
    wire.send({ version: '1', assignment_id: 'lost', tenant_id: 'acme', job: { type: 'sql', payload: { query: '?' } } })
    expect(await wire.result('lost')).toMatchObject({ status: 'error' })
    const asked = { type: 'human_approval', payload: { prompt: 'Go on?' } }
    wire.send({ version: '1', assignment_id: 'asked', tenant_id: 'acme', job: asked })
    await eventually(async () => (await (await fetch(`${url}/metrics`)).text()).includes('\nworker_parked_jobs 1\n'))
    expect(await worker.stop()).toBe(0)
    expect(worker.logs().filter(({ level }) => level === 'ERROR')).toEqual([])
  }, 60_000)
})
