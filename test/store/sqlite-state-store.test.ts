import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'
import { storeContract } from '../contract/state-store.contract.ts'
import { temporaryFolder } from './temporary-folder.ts'

storeContract(
  'SQLite',
  async () => {
    const closing = new AsyncDisposableStack()
    const path = join(closing.use(await temporaryFolder()).path, 'deep', 'state.sqlite')
    return {
      lasts: true,
      open: async () => closing.use(await openSqliteStateStore(path, systemClock)),
      [Symbol.asyncDispose]: () => closing.disposeAsync(),
    }
  },
  150,
)
