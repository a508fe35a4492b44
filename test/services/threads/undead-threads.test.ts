import { expect, test } from 'bun:test'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { JobError } from '../../../src/errors.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { ScriptThreadPool } from '../../../src/services/threads/script-thread-pool.ts'
import { eventually } from '../../support/eventually.ts'

const entry = pathToFileURL(resolve(import.meta.dir, 'unruly-thread.ts'))

/** Waits a tenth as long for what goes on, but as long as ever for what starts. */
const impatient: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms < 10_000 ? ms / 10 : ms, run),
}

test('threads that go on although they were ended are made up for, but do not pile up', async () => {
  await using pool = new ScriptThreadPool({ size: 1, clock: impatient, entry })
  const run = (what: string, signal = new AbortController().signal) =>
    pool
      .run({ kind: 'jmespath', expression: what, data: '1' }, { signal })
      .catch((thrown: unknown) => (thrown instanceof JobError ? thrown.code : thrown))
  /** Gives a thread what nothing can end, and gives it up once it has begun. */
  const occupy = async (): Promise<void> => {
    const stop = new AbortController()
    const task = { kind: 'jmespath', expression: 'native', data: '1' } as const
    const begun = Promise.withResolvers<void>()
    const resumeTime = (): number => {
      begun.resolve()
      return 600_000
    }
    const owner = { tenantId: 't', pauseTime: () => undefined, resumeTime }
    const ended = pool.run(task, { signal: stop.signal, owner }).catch((thrown: unknown) => thrown)
    await begun.promise
    stop.abort('stop')
    expect(await ended).toBe('stop')
  }
  await occupy()
  expect(await run('echo')).toBe('1')
  await occupy()
  expect(await run('echo')).toBe('RESOURCE_UNAVAILABLE')
  await eventually(() => run('echo').then((answer) => answer === '1'), { timeoutMs: 40_000 })
}, 60_000)
