import type { StateStore } from '../../src/store/state-store.ts'
import { eventually } from '../support/eventually.ts'
import { openBus, type TestBus } from './open-bus.ts'

/** The state on a bus of its own. Disposing of it closes both. */
export interface OpenedKvStore extends AsyncDisposable {
  readonly bus: TestBus
  readonly store: StateStore
}

/** Opens the state; resolves when it is there, or at once when `ready` is false. */
export async function openKvStore(url: string, { ready = true } = {}): Promise<OpenedKvStore> {
  const bus = await openBus(url)
  const store = bus.state?.open()
  if (store === undefined) throw new Error('this bus keeps no state')
  if (ready) await eventually(() => store.health() === 'ok')
  return {
    bus,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await bus[Symbol.asyncDispose]()
    },
  }
}
