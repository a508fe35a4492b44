import { describe, expect, test } from 'bun:test'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { JobError } from '../../../src/errors.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { type ScriptLimits, ScriptThreadPool } from '../../../src/services/threads/script-thread-pool.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const entry = pathToFileURL(resolve(import.meta.dir, 'unruly-thread.ts'))

function open(size: number, clock: Clock = systemClock, file = entry) {
  const pool = new ScriptThreadPool({ size, clock, entry: file })
  const run = (what: string, limits: Partial<ScriptLimits> = {}, data = 'null') =>
    pool.run({ kind: 'jmespath', expression: what, data }, { signal: new AbortController().signal, ...limits })
  return { run, pool, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (thrown: unknown) => (thrown instanceof JobError ? thrown.code : thrown),
  )

describe('script threads', () => {
  test('are started when needed, and kept; tasks are served in their order', async () => {
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
    expect(error).toMatchObject({ code: 'JMESPATH_RUNTIME_ERROR', message: 'No', details: { position: 3 } })
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

  test('the limit counts from when a thread starts on the task', async () => {
    const clock = new FakeClock()
    await using threads = open(1, clock)
    await threads.run('which')
    const stop = new AbortController()
    const held = codeOf(threads.run('hold', { signal: stop.signal, onStart: () => 60_000 }))
    const second = threads.run('which', { onStart: () => 10 })
    await clock.advance(1000)
    stop.abort('stop')
    expect(await held).toBe('stop')
    expect(Number(await second)).toBeGreaterThan(0)
    const slow = codeOf(threads.run('spin', { onStart: () => 10 }))
    await clock.advance(10)
    expect(await slow).toBe('TIMEOUT')
    const next = threads.run('echo', {}, '4')
    await clock.advance(200)
    expect(await next).toBe('4')
  })

  test('who waits is told when a thread starts on it, and once more when something had to be loaded first', async () => {
    await using threads = open(1)
    const stop = new AbortController()
    let starts = 0
    const onStart = (): number => {
      starts++
      return 60_000
    }
    const held = codeOf(threads.run('hold', { signal: stop.signal }))
    await threads.run('which', { signal: AbortSignal.abort('before'), onStart }).catch(() => undefined)
    const second = threads.run('which', { onStart })
    expect(starts).toBe(0)
    stop.abort('stop')
    expect(await held).toBe('stop')
    await second
    expect(starts).toBe(1)
    await threads.run('load', { onStart })
    expect(starts).toBe(3)
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
    expect(await Promise.all([threads.run('a'), threads.run('b'), threads.run('c')].map(codeOf))).toEqual([
      'INTERNAL_ERROR',
      'INTERNAL_ERROR',
      'INTERNAL_ERROR',
    ])
  })

  test('idle threads do not keep the process alive', async () => {
    const child = Bun.spawn([process.execPath, resolve(import.meta.dir, 'left-open.ts')], { stdout: 'pipe' })
    expect({ text: await new Response(child.stdout).text(), code: await child.exited }).toEqual({
      text: '3\n',
      code: 0,
    })
  })
})
