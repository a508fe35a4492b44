import { describe, expect, test } from 'bun:test'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { JobError } from '../../../src/errors.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { openLogger } from '../../../src/observe/logger.ts'
import { Metrics } from '../../../src/observe/metrics.ts'
import { type ScriptLimits, ScriptThreadPool } from '../../../src/services/threads/script-thread-pool.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const entry = pathToFileURL(resolve(import.meta.dir, 'unruly-thread.ts'))

function open(size: number, clock: Clock = systemClock, file = entry) {
  const metrics = new Metrics({ version: '0', bun: '0', commit: '0' }, new FakeClock())
  const lines: string[] = []
  const to = (line: string): void => {
    lines.push(line)
  }
  const log = openLogger({ level: 'info', format: 'json', workerId: 'w', component: 'worker', to })
  const pool = new ScriptThreadPool({ size, clock, log, metrics, entry: file })
  const run = (what: string, limits: Partial<ScriptLimits> = {}, data = 'null') =>
    pool.run({ kind: 'jmespath', expression: what, data }, { signal: new AbortController().signal, ...limits })
  /** The value of a metric. */
  const metric = async (name: string) => {
    const { body } = await metrics.text()
    return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(body)?.[1])
  }
  return { run, pool, metric, lines, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() }
}

/** An owner with a time limit, and what it was told. */
function ownerWith(limitMs: number, tenantId = 'acme') {
  const told: string[] = []
  return {
    told,
    tenantId,
    pauseTime() {
      told.push('pause')
    },
    resumeTime() {
      told.push('resume')
      return limitMs
    },
  }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (thrown: unknown) => (thrown instanceof JobError ? thrown.code : thrown),
  )

/** Moves time on until something has come about. */
const until = (clock: FakeClock, check: () => boolean) =>
  eventually(async () => {
    await clock.advance(10)
    return check()
  })

describe('script threads', () => {
  test('are started when needed, and kept; the tasks of a tenant are served in their order', async () => {
    await using threads = open(1)
    const first = await threads.run('which')
    const ended: number[] = []
    await Promise.all([1, 2, 3].map((n) => threads.run('echo', {}, String(n)).then((json) => ended.push(Number(json)))))
    expect(ended).toEqual([1, 2, 3])
    expect(await threads.run('which')).toBe(first)
  })

  test('as many as allowed work side by side', async () => {
    await using threads = open(2)
    const stop = new AbortController()
    const held = codeOf(threads.run('hold', { signal: stop.signal }))
    expect(await threads.run('echo', {}, '1')).toBe('1')
    stop.abort('stop')
    expect(await held).toBe('stop')
  })

  test("an error is the task's own", async () => {
    await using threads = open(1)
    const which = await threads.run('which')
    const error = await threads.run('refuse').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'JMESPATH_RUNTIME_ERROR',
      message: 'No',
      details: { position: 3 },
      output: [1],
    })
    expect(await threads.run('which')).toBe(which)
  })

  test.each(['crash', 'exit'])('%s fails its own task only, and the thread is replaced', async (how) => {
    await using threads = open(2)
    const stop = new AbortController()
    const held = codeOf(threads.run('hold', { signal: stop.signal }))
    expect(await codeOf(threads.run(how))).toBe('INTERNAL_ERROR')
    expect(await threads.run('echo', {}, '2')).toBe('2')
    stop.abort('stop')
    expect(await held).toBe('stop')
  })

  test('aborting rejects at once; a thread that ends by itself is kept', async () => {
    await using threads = open(1)
    const which = await threads.run('which')
    const stop = new AbortController()
    const held = codeOf(threads.run('hold', { signal: stop.signal }))
    stop.abort('stop')
    expect(await held).toBe('stop')
    expect(await threads.run('which')).toBe(which)
  })

  test('a thread that goes on is ended and replaced, again and again', async () => {
    await using threads = open(1)
    const seen = new Set<string>()
    for (let round = 0; round < 5; round++) {
      seen.add(await threads.run('which'))
      const stop = new AbortController()
      const spinning = codeOf(threads.run('spin', { signal: stop.signal }))
      stop.abort('stop')
      expect(await spinning).toBe('stop')
    }
    expect(seen.size).toBe(5)
  })

  test('aborted while waiting: never run, the others are served', async () => {
    await using threads = open(1)
    const [stop, stopWaiting] = [new AbortController(), new AbortController()]
    const held = codeOf(threads.run('hold', { signal: stop.signal }))
    const crash = codeOf(threads.run('crash', { signal: stopWaiting.signal }))
    const last = threads.run('echo', {}, '3')
    stopWaiting.abort('not needed')
    expect(await crash).toBe('not needed')
    stop.abort('stop')
    expect(await held).toBe('stop')
    expect(await last).toBe('3')
    expect(await codeOf(threads.run('echo', { signal: AbortSignal.abort('before') }))).toBe('before')
  })

  test('the time stands still until a thread begins', async () => {
    const clock = new FakeClock()
    await using threads = open(1, clock)
    await threads.run('which')
    const [first, second, slow] = [ownerWith(60_000), ownerWith(10), ownerWith(10)]
    const stop = new AbortController()
    const held = codeOf(threads.run('hold', { signal: stop.signal, owner: first }))
    const waiting = threads.run('which', { owner: second })
    await until(clock, () => first.told.length === 2)
    await clock.advance(1000)
    expect(second.told).toEqual(['pause'])
    stop.abort('stop')
    expect(await held).toBe('stop')
    expect(Number(await waiting)).toBeGreaterThan(0)
    const spinning = codeOf(threads.run('spin', { owner: slow }))
    await until(clock, () => slow.told.length === 2)
    await clock.advance(10)
    expect(await spinning).toBe('TIMEOUT')
    const next = threads.run('echo', {}, '4')
    await clock.advance(200)
    expect(await next).toBe('4')
    expect(clock.pending).toBe(0)
  })

  test('what is loaded first does not count, and is kept when the task is not wanted any more', async () => {
    const clock = new FakeClock()
    await using threads = open(1, clock)
    const which = await threads.run('which')
    const owner = ownerWith(10)
    const stop = new AbortController()
    const loading = codeOf(threads.run('load', { owner, signal: stop.signal }))
    const next = threads.run('which')
    await clock.advance(5000)
    expect(owner.told).toEqual(['pause'])
    stop.abort('stop')
    expect(await loading).toBe('stop')
    await clock.advance(1000)
    expect(await next).toBe(which)
  })

  test.each<[what: string, reason: string]>([
    ['never', 'load'],
    ['unable', 'load'],
    ['early crash', 'crash'],
  ])('%s: a task that no thread begins with is tried on another, then fails unsent', async (what, reason) => {
    const clock = new FakeClock()
    await using threads = open(1, clock)
    const owner = ownerWith(10)
    let failed: unknown
    threads.run(what, { owner }).catch((thrown: unknown) => {
      failed = thrown
    })
    await eventually(async () => {
      // Time goes on only while there is a thread: starting one is not what takes too long.
      const isBusy = (await threads.metric('worker_script_threads{state="busy"}')) === 1
      if (what === 'never' && isBusy) await clock.advance(1000)
      return failed !== undefined
    })
    expect(failed).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', unsent: true })
    expect(owner.told).toEqual(['pause'])
    expect(await threads.metric(`worker_script_threads_replaced_total{reason="${reason}"}`)).toBe(2)
    expect(threads.lines.filter((line) => line.includes('no room')).length).toBe(what === 'unable' ? 2 : 0)
    expect(await threads.run('echo', {}, '1')).toBe('1')
  })

  test('a task runs on another thread than the one that could not begin with it', async () => {
    await using threads = open(1)
    const which = await threads.run('which')
    const other = await threads.run('not there', {}, which)
    expect(other).not.toBe(which)
    expect(await threads.run('which')).toBe(other)
  })

  test('a thread that gets ready for the next task is not given one until it is', async () => {
    await using threads = open(2)
    await threads.run('spend', {}, '0')
    expect(await Promise.all(['1', '2', '3'].map((n) => threads.run('echo', {}, n)))).toEqual(['1', '2', '3'])
    const clock = new FakeClock()
    await using single = open(1, clock)
    expect(await single.run('spend')).toBe('null')
    const next = single.run('echo', {}, '4')
    await clock.advance(10_000)
    expect(await next).toBe('4')
    expect(await single.metric('worker_script_threads_replaced_total{reason="load"}')).toBe(1)
  })

  test('tenants are served in turn', async () => {
    await using threads = open(1)
    const stop = new AbortController()
    const held = codeOf(threads.run('hold', { signal: stop.signal }))
    const ended: string[] = []
    const tasks = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map(async (name) => {
      const owner = ownerWith(60_000, name.slice(0, 1))
      ended.push(await threads.run('echo', { owner }, name))
    })
    expect(await threads.metric('worker_script_waiting_tasks')).toBeGreaterThan(5)
    stop.abort('stop')
    await Promise.all([held, ...tasks])
    expect(ended).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  })

  test('what they do is counted, and their loss is logged', async () => {
    await using threads = open(2)
    await threads.run('which')
    const counts = () =>
      Promise.all(
        ['threads{state="busy"}', 'threads{state="idle"}', 'waiting_tasks'].map((name) =>
          threads.metric(`worker_script_${name}`),
        ),
      )
    expect(await counts()).toEqual([0, 1, 0])
    const stop = new AbortController()
    const held = codeOf(threads.run('hold', { signal: stop.signal }))
    expect(await counts()).toEqual([1, 0, 0])
    stop.abort('stop')
    await held
    await codeOf(threads.run('crash'))
    expect(threads.lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'WARN', message: 'A script thread was replaced', context: { reason: 'crash' } },
    ])
    const owner = ownerWith(1)
    expect(await codeOf(threads.run('spin', { owner }))).toBe('TIMEOUT')
    await eventually(() => threads.metric('worker_script_threads_replaced_total{reason="stuck"}').then((n) => n === 1))
  })

  test('closing ends what runs and what waits', async () => {
    const threads = open(1)
    await threads.run('which')
    const tasks = [codeOf(threads.run('spin')), codeOf(threads.run('echo')), codeOf(threads.run('echo'))]
    await threads[Symbol.asyncDispose]()
    const closed = 'RESOURCE_UNAVAILABLE'
    expect(await Promise.all(tasks)).toEqual([closed, closed, closed])
    expect(await codeOf(threads.run('echo'))).toBe(closed)
  })

  test('closing while a thread starts', async () => {
    const threads = open(2)
    const task = codeOf(threads.run('echo'))
    await threads[Symbol.asyncDispose]()
    expect(await task).toBe('RESOURCE_UNAVAILABLE')
  })

  test('a thread that cannot start fails who waits for it', async () => {
    await using threads = open(2, systemClock, new URL('./missing.ts', entry))
    const failed = 'RESOURCE_UNAVAILABLE'
    const tasks = [threads.run('a'), threads.run('b'), threads.run('c')]
    expect(await Promise.all(tasks.map(codeOf))).toEqual([failed, failed, failed])
    expect(threads.lines[0]).toContain('missing.ts')
  })

  test('idle threads do not keep the process alive', async () => {
    const child = Bun.spawn([process.execPath, resolve(import.meta.dir, 'left-open.ts')], { stdout: 'pipe' })
    expect({ text: await new Response(child.stdout).text(), code: await child.exited }).toEqual({
      text: '3\n',
      code: 0,
    })
  })
})
