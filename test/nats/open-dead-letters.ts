import type { DeadLetterStore } from '../../src/store/dead-letter-store.ts'
import { openBus, ownNames, type TestBus } from './open-bus.ts'

/** The settings of dead letters in a stream that no other test uses. */
export function ownDeadLetters() {
  const names = ownNames()
  return { ...names, DLQ_STREAM: `DLQ_${names.JETSTREAM_STREAM}` } as const
}

/** A store on a bus of its own. Disposing of it closes both. */
export interface OpenedDeadLetters extends AsyncDisposable {
  readonly bus: TestBus
  readonly store: DeadLetterStore
}

/** Opens the stream that the settings name. */
export async function openDeadLetterStream(
  url: string,
  env: Readonly<Record<string, string>> & { readonly DLQ_STREAM: string },
): Promise<OpenedDeadLetters> {
  const bus = await openBus(url, { env })
  const store = bus.deadLetters?.open(env.DLQ_STREAM)
  if (store === undefined) throw new Error('this bus keeps no dead letters')
  return {
    bus,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await bus[Symbol.asyncDispose]()
    },
  }
}
