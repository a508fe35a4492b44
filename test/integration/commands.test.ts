import { expect, test } from 'bun:test'
import { readFileSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { interruptAgain, runBeamline, startBeamline } from '../support/beamline-process.ts'

const demo = resolve(import.meta.dir, '../../examples/demo.jsonl')

const main = resolve(import.meta.dir, '../../src/main.ts')

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'beamline-commands-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

interface Result {
  readonly assignment_id: string
  readonly status: string
  readonly output?: unknown
  readonly error_code?: string
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Result)

test('--version, --help, and what is no command', async () => {
  const [version, help, stat, flag] = await Promise.all(
    [['--version'], ['--help'], ['stat'], ['run', '--no-wat']].map((args) => runBeamline(args)),
  )
  expect(version).toMatchObject({ code: 0, stdout: [expect.stringMatching(/^beamline \d+\.\d+\.\d+ /)] })
  expect(help?.code).toBe(0)
  expect(stat).toMatchObject({ code: 2, stderr: ['beamline: unknown command "stat"; did you mean "start"?'] })
  expect(flag?.code).toBe(2)
})

test('start names every setting that is wrong, one a line, and a role that is none', async () => {
  const wrong = { WORKER_MAX_CONCURRENCY: '0', ACK_WAIT_MS: 'soon', NATS_PASSWORD: 'p', CAF_RESULT_SUBJECT: 'a b' }
  const { code, stdout, stderr } = await runBeamline([], wrong)
  expect(code).toBe(2)
  expect(stdout).toEqual([])
  const named = stderr.map((line) => line.split(':')[0] ?? '')
  expect(named.toSorted()).toEqual(['ACK_WAIT_MS', 'CAF_RESULT_SUBJECT', 'NATS_USER', 'WORKER_MAX_CONCURRENCY'])
  expect(await runBeamline(['start', 'wroker'])).toMatchObject({
    code: 2,
    stderr: ['beamline: unknown role "wroker"; did you mean "worker"?'],
  })
})

test('start names what the settings name as well: files, the port; one a line, before anything is tried', async () => {
  await using taken = await startBeamline(['dev'])
  const { code, stdout, stderr } = await runBeamline(['start'], {
    HEALTH_BIND: new URL(await taken.url()).host,
    DLQ_PATH: '/dev/null/dead-letters.jsonl',
    NATS_CREDS: '/not-there.creds',
    SECRETS_DIR: '/not-there',
    SECRET_SHORT: 'abc',
    NATS_TLS_CA: '/not-there.pem',
    NATS_NKEY_SEED: 'hunter2',
    NATS_URL: 'nats://user:hunter2 word@host',
    ACK_WAIT_MS: 'a\u001b[2J\nb',
  })
  expect({ code, stdout }).toEqual({ code: 2, stdout: [] })
  const named = stderr.map((line) => line.split(':')[0] ?? '')
  expect([...new Set(named)].toSorted()).toEqual([
    'ACK_WAIT_MS',
    'DLQ_PATH',
    'HEALTH_BIND',
    'NATS_CREDS',
    'NATS_NKEY_SEED',
    'NATS_TLS_CA',
    'NATS_URL',
    'SECRETS_DIR',
    'SECRET_SHORT',
  ])
  expect(stderr.join('\n')).not.toMatch(/hunter2|word/)
  expect(stderr.find((line) => line.startsWith('ACK_WAIT_MS'))).toEndWith('not "a\\u{1b}[2J\\u{a}b"')
})

test('run: the examples all succeed', async () => {
  const { code, stdout, stderr } = await runBeamline(['run', demo])
  expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
  const results = parsed(stdout)
  expect(results.length).toBe(readFileSync(demo, 'utf8').trimEnd().split('\n').length)
  for (const result of results) {
    expect(result.status).toBe('success')
  }
})

test('run: what fails and what cannot be read is told, the rest runs, and the code is 1', async () => {
  const stdin = '{"type":"echo","payload":1}\nnonsense\n\n{"type":"nope"}\n{"payload":1}\n{"type":"echo","payload":2}'
  const { code, stdout, stderr } = await runBeamline(['run', '-'], {}, { stdin })
  expect(code).toBe(1)
  expect(
    parsed(stdout)
      .map(({ status }) => status)
      .toSorted(),
  ).toEqual(['error', 'success', 'success'])
  expect(stderr).toContain('line 2: this is no JSON')
  expect(stderr.some((line) => line.startsWith('line 5: '))).toBe(true)
  expect(stderr).toContain('5 jobs: 2 succeeded, 3 failed')
})

test('run: nothing to read from', async () => {
  const [none, missing] = await Promise.all([runBeamline(['run']), runBeamline(['run', 'not-there.jsonl'])])
  expect(none.code).toBe(2)
  expect(missing).toMatchObject({ code: 2, stderr: ['beamline: cannot read not-there.jsonl: there is no such file'] })
})

test('run: many lines, a few at a time, each with its own result', async () => {
  const stdin = Array.from({ length: 5_000 }, (_, at) => `{"type":"echo","payload":${at}}\n`).join('')
  const { code, stdout } = await runBeamline(['run', '-'], {}, { stdin })
  expect(code).toBe(0)
  expect(new Set(parsed(stdout).map(({ output }) => output)).size).toBe(5_000)
})

test('run: an interrupt begins no more jobs, and every one that was begun has a result', async () => {
  const sleeps = '{"type":"sleep","payload":{"ms":3600000}}\n'.repeat(100)
  const stdin = `{"type":"echo"}\n${sleeps}`
  const settings = { SHUTDOWN_GRACE_MS: '0', WORKER_MAX_CONCURRENCY: '2', DEFAULT_JOB_TIMEOUT_MS: '1h' }
  await using beamline = await startBeamline(['run', '-'], settings, { stdin })
  await beamline.waitFor((line) => line.includes('"success"'))
  expect(await beamline.stop('SIGINT')).toBe(1)
  const results = parsed(beamline.stdout)
  expect(results.length).toBeLessThan(10)
  for (const { error_code: code } of results.slice(1)) expect(code).toBe('RESOURCE_UNAVAILABLE')
  expect(beamline.stderr.some((line) => line.includes('interrupted'))).toBe(true)
})

test('run: a second interrupt ends it at once', async () => {
  const stdin = '{"type":"sleep","payload":{"ms":3600000},"timeout_ms":3600000}\n{"type":"echo"}\n'
  await using beamline = await startBeamline(['run', '-'], { LOG_LEVEL: 'info' }, { stdin })
  await beamline.waitFor((line) => line.includes('"success"'))
  beamline.signal('SIGINT')
  await beamline.waitFor((line) => line.includes('Draining'))
  expect(await interruptAgain(beamline)).toBe(130)
})

test('run: one interrupt that arrives twice, from the terminal and from whoever started it, drains', async () => {
  const stdin = '{"type":"sleep","payload":{"ms":700}}\n{"type":"echo"}\n'
  await using beamline = await startBeamline(['run', '-'], {}, { stdin })
  await beamline.waitFor((line) => line.includes('"success"'))
  for (let times = 0; times < 3; times++) beamline.signal('SIGINT')
  expect(await beamline.exited).toBe(1)
  expect(parsed(beamline.stdout)[1]).toMatchObject({ status: 'success', output: { slept_ms: 700 } })
})

test('run: what is nested too deeply is named with its line, and the rest runs', async () => {
  const deep = `{"type":"echo","payload":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  const stdin = `{"type":"sleep","payload":{"ms":300}}\n${deep}\n{"type":"echo"}\n`
  const { code, stdout, stderr } = await runBeamline(['run', '-'], {}, { stdin })
  expect(code).toBe(1)
  expect(parsed(stdout).map(({ status }) => status)).toEqual(['success', 'success'])
  expect(stderr.slice(0, 2)).toEqual(['line 2: the job is nested too deeply', '3 jobs: 2 succeeded, 1 failed'])
})

test('run: a device is an empty file, a folder is none', async () => {
  expect(await runBeamline(['run', '/dev/null'])).toMatchObject({ code: 0, stdout: [], stderr: [] })
  const redirected = ['sh', '-c', `exec "$0" "$@" < "${import.meta.dir}"`, process.execPath, main]
  expect(await runBeamline(['run', '-'], {}, { program: redirected })).toMatchObject({
    code: 2,
    stderr: ['beamline: cannot read standard input: it is a folder'],
  })
  expect(await runBeamline(['run', import.meta.dir])).toMatchObject({
    code: 2,
    stderr: [`beamline: cannot read ${import.meta.dir}: it is a folder`],
  })
})

test('run: no private place for dead letters is a wrong TMPDIR', async () => {
  await using folder = await temporaryFolder()
  symlinkSync('/', join(folder.path, `beamline-${process.getuid?.()}`))
  const { code, stderr } = await runBeamline(['run', demo], { TMPDIR: folder.path })
  expect(code).toBe(2)
  expect(stderr).toEqual([expect.stringMatching(/^TMPDIR: .* is not a folder; remove it, or set TMPDIR$/)])
})

test('dev: the curl line works as it is shown; health and readiness answer; SIGTERM ends it', async () => {
  await using beamline = await startBeamline(['dev'])
  const url = await beamline.ready()
  const shown = await beamline.waitFor((line) => line.includes('curl '))
  const body = /-d '(.*)'/.exec(shown)?.[1] ?? ''
  const header = /-H '([^:]*): ([^']*)'/.exec(shown)
  const response = await fetch(/http:\/\/\S+/.exec(shown)?.[0] ?? '', {
    method: 'POST',
    headers: { [header?.[1] ?? '']: header?.[2] ?? '' },
    body,
  })
  expect(await response.json()).toMatchObject({ status: 'success', output: { hello: 'world' } })
  const settings = { HEALTH_BIND: new URL(url).host }
  expect((await runBeamline(['health', '--ready'], settings)).code).toBe(0)
  const { code, stdout } = await runBeamline(['health'], { ...settings, HTTP_PROXY: 'http://127.0.0.1:1' })
  expect(code).toBe(0)
  expect(JSON.parse(stdout[0] ?? '')).toMatchObject({ status: 'ok' })
  expect(beamline.logs()[0]).toMatchObject({
    message: 'Beamline started',
    context: { mode: 'memory', roles: ['approvals', 'worker'] },
  })
  expect(await beamline.stop()).toBe(0)
})

test('the port is in use: 2, naming HEALTH_BIND; health where nobody listens: 1', async () => {
  const taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const settings = { HEALTH_BIND: `127.0.0.1:${taken.port}` }
  const { code, stderr } = await runBeamline(['dev'], settings)
  expect(code).toBe(2)
  expect(stderr).toEqual([`HEALTH_BIND: cannot listen on 127.0.0.1:${taken.port}: the port is in use`])
  await taken.stop(true)
  expect((await runBeamline(['health'], settings)).code).toBe(1)
})

test('start without NATS: alive, not ready, and it says why', async () => {
  await using beamline = await startBeamline([], { NATS_URL: 'nats://127.0.0.1:1', API_TOKEN: 'shown-nowhere' })
  const url = await beamline.url()
  expect((await fetch(`${url}/health`)).status).toBe(200)
  const ready = await fetch(`${url}/ready`)
  expect(ready.status).toBe(503)
  expect(await ready.json()).toMatchObject({ status: 'not_ready', checks: { nats: expect.any(String) } })
  const { context } = beamline.logs().find(({ message }) => message === 'Beamline started') ?? {}
  expect(context).toMatchObject({ settings: { NATS_URL: 'nats://127.0.0.1:1', API_TOKEN: '[redacted]' } })
  expect(await beamline.stop()).toBe(0)
  expect([...beamline.stdout, ...beamline.stderr].join('')).not.toContain('shown-nowhere')
})

test('config: the source of each setting, also of those that are wrong; no secrets', async () => {
  const settings = { NATS_TOKEN: 'shown-nowhere', WORKER_MAX_CONCURRENCY: 'many' }
  const { code, stdout, stderr } = await runBeamline(['config', '--json'], settings)
  expect(code).toBe(2)
  expect(stderr.length).toBe(1)
  const shown = JSON.parse(stdout.join('\n')) as readonly Record<string, unknown>[]
  const find = (variable: string) => shown.find((setting) => setting['variable'] === variable)
  expect(find('NATS_TOKEN')).toMatchObject({ value: '[redacted]', source: 'environment' })
  expect(find('WORKER_MAX_CONCURRENCY')).toMatchObject({ value: 'many', source: 'environment' })
  expect(find('JETSTREAM')).toMatchObject({ value: 'auto', source: 'default' })
  const table = await runBeamline(['config'])
  expect(table.code).toBe(0)
  expect(table.stdout).toContain('NATS')
})

test('sandbox mode is said loudly', async () => {
  await using beamline = await startBeamline(['dev'], { WORKER_SANDBOX_MODE: 'true' })
  const url = await beamline.ready()
  expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ sandbox: true })
  expect(beamline.logs().some(({ level, message }) => level === 'WARN' && String(message).includes('SANDBOX'))).toBe(
    true,
  )
})

test('memory over WORKER_MAX_RSS: drained, 75', async () => {
  await using beamline = await startBeamline(['dev'], { WORKER_MAX_RSS: '64MB' })
  expect(await beamline.exited).toBe(75)
  expect(beamline.logs().map(({ message }) => message)).toContain('Drained')
})
