/** The entry file of a script thread: takes one task at a time and answers it. Nothing it is given can end it. */
import { parentPort } from 'node:worker_threads'
import { JobError } from '../../errors.ts'
import { searchText } from '../jmespath/search-text.ts'
import type { FromThread, ScriptAnswer, ScriptTask, ToThread } from './thread-protocol.ts'

let flag: Int32Array = new Int32Array(1)

const isCancelled = (): boolean => Atomics.load(flag, 0) !== 0

function send(message: FromThread): void {
  parentPort?.postMessage(message)
}

function answer(task: ScriptTask): ScriptAnswer {
  try {
    return { kind: 'value', json: searchText(task.expression, task.data, isCancelled) }
  } catch (thrown) {
    const { code, message, details = {} } = JobError.from(thrown)
    return { kind: 'error', code, message, details: JSON.stringify(details) }
  }
}

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'flag') flag = new Int32Array(message.cancelled)
  else send(answer(message))
})

send({ kind: 'ready' })
