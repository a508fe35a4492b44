import { MemoryHub } from '../../src/bus/memory-bus.ts'
import { busContract } from '../contract/bus.contract.ts'

busContract('memory bus', async () => {
  const hub = new MemoryHub({ assignSubject: 'memory.assign', maxPayload: 100_000 })
  return {
    assignSubject: hub.assignSubject,
    stored: false,
    window: undefined,
    open: async () => hub.open(),
    [Symbol.asyncDispose]: async () => undefined,
  }
})
