/** A script thread that does what a test says, in `expression`. */
import { parentPort, threadId } from 'node:worker_threads'
import type { FromThread, ToThread } from '../../../src/services/threads/thread-protocol.ts'

let flag: Int32Array = new Int32Array(1)
const send = (message: FromThread): void => parentPort?.postMessage(message)

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'flag') {
    flag = new Int32Array(message.cancelled)
    return
  }
  if (message.task.kind !== 'jmespath') throw new Error('unruly')
  const { expression: what, data } = message.task
  if (what === 'crash') throw new Error('unruly')
  if (what === 'exit') process.exit(3)
  if (what === 'load') send({ kind: 'begun' })
  while (what === 'spin' || (what === 'hold' && Atomics.load(flag, 0) === 0));
  const json = what === 'which' ? String(threadId) : data
  if (what === 'refuse')
    send({ kind: 'error', code: 'JMESPATH_RUNTIME_ERROR', message: 'No', details: '{"position":3}' })
  else send({ kind: 'value', json })
})

send({ kind: 'ready' })
