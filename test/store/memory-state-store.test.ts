import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import { storeContract } from '../contract/state-store.contract.ts'

storeContract(
  'memory',
  async () => {
    const store = new MemoryStateStore()
    return { lasts: false, open: async () => store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
  },
  500,
)
