/** A script thread that does what a test says, in `expression`. */
import { parentPort, threadId } from 'node:worker_threads'
import {
  type FromThread,
  flagAt,
  flagBytes,
  type ScriptAnswer,
  type ToThread,
} from '../../../src/services/threads/thread-protocol.ts'

let flags: Int32Array = new Int32Array(flagBytes / 4)
const isCancelled = (): boolean => Atomics.load(flags, flagAt.cancelled) !== 0
const send = (message: FromThread): void => parentPort?.postMessage(message)

const refusal = {
  kind: 'error',
  code: 'JMESPATH_RUNTIME_ERROR',
  message: 'No',
  details: '{"position":3}',
  output: '[1]',
} as const satisfies ScriptAnswer

/** Before it begins. */
function load(what: string, data: string): void {
  if (what === 'early crash' || (what === 'not there' && data === String(threadId))) throw new Error('unruly')
  while (what === 'load' && !isCancelled());
}

function answerTo(what: string, data: string): ScriptAnswer {
  Atomics.store(flags, flagAt.begun, 1)
  if (what === 'crash') throw new Error('unruly')
  if (what === 'exit') process.exit(3)
  // One call that looks at every place for a long text: seconds, which nothing can end.
  if (what === 'native') 'ab'.repeat(150_000).lastIndexOf(`${'ab'.repeat(75_000)}ba`)
  while (what === 'spin' || (what === 'hold' && !isCancelled()));
  if (what === 'refuse') return refusal
  return { kind: 'value', json: what === 'which' || what === 'not there' ? String(threadId) : data }
}

function take(what: string, data: string): void {
  if (what === 'never') return
  if (what === 'unable') return send({ kind: 'unable', reason: 'no room' })
  load(what, data)
  send({ ...answerTo(what, data), isReady: what !== 'spend' })
  if (what !== 'spend') return
  // Loading anew may take it for ever.
  while (data === 'null');
  send({ kind: 'ready' })
}

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'flags') {
    flags = new Int32Array(message.flags)
    return
  }
  if (message.kind !== 'jmespath') throw new Error('unruly')
  take(message.expression, message.data)
})

send({ kind: 'ready' })
