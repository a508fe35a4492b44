/** The entry file of a script thread: takes one task at a time and answers it. Nothing it is given can end it. */
import { parentPort } from 'node:worker_threads'
import { JobError } from '../../errors.ts'
import { systemClock } from '../../lib/clock.ts'
import { searchText } from '../jmespath/search-text.ts'
import { ScriptRunner } from '../scripts/script-runner.ts'
import type { FromThread, ScriptAnswer, ScriptTask, ToThread } from './thread-protocol.ts'

let flag: Int32Array = new Int32Array(1)

const isCancelled = (): boolean => Atomics.load(flag, 0) !== 0

const runner = new ScriptRunner({ clock: systemClock, isCancelled, begun: () => send({ kind: 'begun' }) })

function send(message: FromThread): void {
  parentPort?.postMessage(message)
}

async function answer(task: ScriptTask, limitMs: number | undefined): Promise<ScriptAnswer> {
  try {
    if (task.kind === 'javascript') return await runner.run(task, limitMs)
    return { kind: 'value', json: searchText(task.expression, task.data, isCancelled) }
  } catch (thrown) {
    const { code, message, details = {} } = JobError.from(thrown)
    return { kind: 'error', code, message, details: JSON.stringify(details) }
  }
}

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'flag') flag = new Int32Array(message.cancelled)
  // It never rejects.
  else void answer(message.task, message.limitMs).then(send)
})

send({ kind: 'ready' })
