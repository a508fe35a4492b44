/** The entry file of a script thread: takes one task at a time and answers it. Nothing it is given can end it. */
import { parentPort } from 'node:worker_threads'
import { JobError } from '../../errors.ts'
import { searchText } from '../jmespath/search-text.ts'
import { ScriptRunner } from '../scripts/script-runner.ts'
import {
  type FromThread,
  flagAt,
  flagBytes,
  type ScriptAnswer,
  type ScriptTask,
  type ToThread,
} from './thread-protocol.ts'

let flags: Int32Array = new Int32Array(flagBytes / 4)

const isCancelled = (): boolean => Atomics.load(flags, flagAt.cancelled) !== 0

const runner = new ScriptRunner(isCancelled)

function send(message: FromThread): void {
  parentPort?.postMessage(message)
}

/** Never rejects. What has to be loaded is loaded before a task begins, and after one that used it up. */
async function take(task: ScriptTask): Promise<void> {
  try {
    if (task.kind === 'javascript') await runner.load(task)
    const answer = isCancelled() ? unwanted : answerTo(task)
    const isReady = task.kind !== 'javascript' || runner.isLoaded
    send({ ...answer, isReady })
    if (isReady) return
    await runner.load(task)
    send({ kind: 'ready' })
  } catch (thrown) {
    send({ kind: 'unable', reason: String(thrown) })
  }
}

/** Nobody sees it. */
const unwanted: ScriptAnswer = { kind: 'error', code: 'CANCELLED', message: 'It was not wanted', details: '{}' }

function answerTo(task: ScriptTask): ScriptAnswer {
  Atomics.store(flags, flagAt.begun, 1)
  try {
    if (task.kind === 'javascript') return runner.run(task)
    return { kind: 'value', json: searchText(task.expression, task.data, isCancelled) }
  } catch (thrown) {
    const { code, message, details = {} } = JobError.from(thrown)
    return { kind: 'error', code, message, details: JSON.stringify(details) }
  }
}

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'flags') flags = new Int32Array(message.flags)
  else void take(message)
})

send({ kind: 'ready' })
