import { expect, test } from 'bun:test'
import { eventually } from '../support/eventually.ts'
import { startRig, type WorkerRig } from '../support/worker-rig.ts'

const timeLimitMs = 20_000

/** The result of a job of its own on a worker of its own. */
async function resultOf(payload: unknown, { env = {}, job = {} }: Options = {}) {
  await using rig = await startRig({ env })
  rig.assign({ job: { type: 'javascript', payload, ...job } })
  return await rig.result('a-1')
}

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly job?: Readonly<Record<string, unknown>>
}

async function valueOn(rig: WorkerRig, id: string, payload: unknown) {
  rig.assign({ assignment_id: id, job: { type: 'javascript', payload } })
  return (await rig.result(id))['output']
}

test('the output is the value', async () => {
  expect(await resultOf({ code: 'x * 2', args: { x: 21 } })).toMatchObject({ status: 'success', output: 42 })
  expect(await resultOf({ code: '[args]', args: null })).toMatchObject({ output: [{}] })
  const none = await resultOf({ code: 'undefined' })
  expect(none['status']).toBe('success')
  expect(none).not.toHaveProperty('output')
})

test('the other spelling', async () => {
  const result = await resultOf({ code: '1' }, { job: { type: 'script.javascript' } })
  expect(result).toMatchObject({ output: 1, job: { type: 'script.javascript' } })
})

test('with capture_logs the output is the value and the logs', async () => {
  const code = 'console.log("a", 1); 5'
  expect((await resultOf({ code, capture_logs: true }))['output']).toEqual({ value: 5, logs: ['a 1'] })
  expect((await resultOf({ code, capture_logs: false }))['output']).toBe(5)
  expect((await resultOf({ code: 'console.log(1)', capture_logs: true }))['output']).toEqual({ logs: ['1'] })
})

test('an error says where', async () => {
  expect(await resultOf({ code: 'let a\na.b' })).toMatchObject({
    status: 'error',
    error_code: 'SCRIPT_ERROR',
    error_message: 'The script failed',
    error_details: { name: 'TypeError', message: "cannot read property 'b' of undefined", line: 2, column: 2 },
    retryable: false,
  })
})

test('an error tells what was logged before it', async () => {
  const code = 'console.log("a", 1); nothing'
  expect(await resultOf({ code, capture_logs: true })).toMatchObject({
    error_code: 'SCRIPT_ERROR',
    output: { logs: ['a 1'] },
  })
  expect(await resultOf({ code })).not.toHaveProperty('output')
})

test.each<[payload: unknown, code: string]>([
  [{}, 'MISSING_REQUIRED_FIELD'],
  [{ code: null }, 'MISSING_REQUIRED_FIELD'],
  [{ code: 5 }, 'INVALID_INPUT'],
  [{ code: '1', args: [1] }, 'INVALID_INPUT'],
  [{ code: '1', args: 'x' }, 'INVALID_INPUT'],
  [{ code: '1', capture_logs: 'yes' }, 'INVALID_INPUT'],
  [{ code: '1', timeout_ms: 0 }, 'INVALID_INPUT'],
])('the input %j is refused', async (payload, code) => {
  expect(await resultOf(payload)).toMatchObject({ status: 'error', error_code: code })
})

test('time is what the job says, else SCRIPT_TIMEOUT_MS', async () => {
  await using rig = await startRig({ env: { SCRIPT_TIMEOUT_MS: '100', SCRIPT_THREADS: '1' } })
  const slow = { code: 'const end = Date.now() + 200; while (Date.now() < end); "done"', timeout_ms: 5000 }
  expect(await valueOn(rig, 'slow', slow)).toBe('done')
  const endless = { code: 'for (;;);' }
  for (const [index, job] of [
    { payload: endless },
    { payload: { ...endless, timeout_ms: 100 } },
    { payload: endless, timeout_ms: 100 },
  ].entries()) {
    rig.assign({ assignment_id: `e${index}`, job: { type: 'javascript', ...job } })
    const result = await rig.result(`e${index}`)
    expect(result).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT' })
    expect(result['latency_ms']).toBeWithin(99, 3000)
  }
})

test('what has to be loaded does not count, for the first script or for the next after one that used it up', async () => {
  await using rig = await startRig({ env: { SCRIPT_THREADS: '1' } })
  const brief = { code: '1', timeout_ms: 100 }
  expect(await valueOn(rig, 'first', brief)).toBe(1)
  for (let round = 0; round < 5; round++) {
    rig.assign({
      assignment_id: `e${round}`,
      job: { type: 'javascript', payload: { code: 'for (;;);', timeout_ms: 100 } },
    })
    const next = valueOn(rig, `n${round}`, brief)
    expect(await rig.result(`e${round}`)).toMatchObject({ status: 'timeout' })
    expect(await next).toBe(1)
  }
})

test('more slots than threads: no time runs out', async () => {
  const env = { SCRIPT_THREADS: '1', WORKER_CPU_POOL_SIZE: '4', WORKER_MAX_CONCURRENCY: '4' }
  await using rig = await startRig({ env })
  const slow = { code: 'for (;;);', timeout_ms: 600 }
  rig.assign({ assignment_id: 'slow', job: { type: 'javascript', payload: slow } })
  expect(await valueOn(rig, 'brief', { code: '1', timeout_ms: 100 })).toBe(1)
})

test('a deadline goes on while a script waits for its turn', async () => {
  const env = { SCRIPT_THREADS: '1', WORKER_CPU_POOL_SIZE: '4', WORKER_MAX_CONCURRENCY: '4' }
  await using rig = await startRig({ env })
  rig.assign({ assignment_id: 'slow', job: { type: 'javascript', payload: { code: 'for (;;);', timeout_ms: 2000 } } })
  await rig.ack('slow')
  rig.assign({
    assignment_id: 'late',
    job: { type: 'javascript', payload: { code: '1' } },
    options: { deadline_ms: 200 },
  })
  const late = await rig.result('late')
  expect(late).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT' })
  expect(late['latency_ms']).toBeWithin(100, 1000)
  rig.cancel('slow')
  await rig.result('slow')
})

test("expressions of another tenant's requests neither use up a script's time nor keep it from its turn", async () => {
  const many = Array.from({ length: 3000 }, (_, index) => index)
  await using site = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => Response.json(many) })
  const env = { SCRIPT_THREADS: '1', SCRIPT_TIMEOUT_MS: '400', EGRESS_ALLOW_CIDRS: '127.0.0.0/8' }
  await using rig = await startRig({ env })
  const response = 'let $a = body in body[].sum($a[].sum($a)) | length(@)'
  const payload = { url: `http://127.0.0.1:${site.port}/`, include_body: false, transform: { response } }
  const ended: string[] = []
  const slow = ['a1', 'a2', 'a3', 'a4'].map(async (id) => {
    rig.assign({ assignment_id: id, tenant_id: 'other', job: { type: 'http', payload, timeout_ms: 1000 } })
    const result = await rig.result(id)
    ended.push(id)
    return result
  })
  // Its first expression is under way.
  await eventually(async () => (await rig.metric('worker_script_waiting_tasks')) === 3)
  expect(await valueOn(rig, 'brief', { code: '1', timeout_ms: 100 })).toBe(1)
  expect(ended.length).toBeLessThan(3)
  for (const result of await Promise.all(slow)) {
    expect(result).toMatchObject({ error_code: 'SCRIPT_LIMIT_EXCEEDED', error_details: { limit: 'time' } })
  }
})

test(
  'time does not run out while a script waits for its turn',
  async () => {
    // More slots than threads, so that all but one wait.
    const env = { SCRIPT_THREADS: '1', WORKER_CPU_POOL_SIZE: '4', WORKER_MAX_CONCURRENCY: '4' }
    await using rig = await startRig({ env })
    await valueOn(rig, 'warm', { code: '1' })
    const slow = { code: 'const end = Date.now() + 150; while (Date.now() < end); "done"', timeout_ms: 500 }
    const ids = ['a', 'b', 'c', 'd']
    expect(await Promise.all(ids.map((id) => valueOn(rig, id, slow)))).toEqual(['done', 'done', 'done', 'done'])
  },
  timeLimitMs,
)

test('a script that is cancelled ends, and the next one runs', async () => {
  await using rig = await startRig({ env: { SCRIPT_THREADS: '1' } })
  rig.assign({ assignment_id: 'endless', job: { type: 'javascript', payload: { code: 'for (;;);' } } })
  await rig.ack('endless')
  rig.cancel('endless')
  expect(await rig.result('endless')).toMatchObject({ status: 'cancelled' })
  expect(await valueOn(rig, 'next', { code: '1' })).toBe(1)
})

test('limits are settings', async () => {
  const env = { SCRIPT_MEMORY_BYTES: '20MB', SCRIPT_STACK_BYTES: '64KB' }
  const memory = await resultOf({ code: 'new Array(3e6).fill(1).length' }, { env })
  expect(memory).toMatchObject({ error_code: 'SCRIPT_LIMIT_EXCEEDED', error_details: { limit: 'memory' } })
  const stack = await resultOf({ code: '(function f(n) { return n && f(n - 1) })(1000)' }, { env })
  expect(stack).toMatchObject({ error_code: 'SCRIPT_LIMIT_EXCEEDED', error_details: { limit: 'stack' } })
})

test('scripts run in sandbox mode', async () => {
  const env = { WORKER_SANDBOX_MODE: 'true' }
  expect(await resultOf({ code: '6 * 7' }, { env })).toMatchObject({ output: 42, sandbox: true })
})
