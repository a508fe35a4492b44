import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'
import { approvalStoreContract } from '../contract/approval-store.contract.ts'
import { openKvStore } from '../nats/open-kv-store.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'
import { startNats } from '../support/nats-server.ts'

const count = 10_000

approvalStoreContract('SQLite', count, async () => {
  const closing = new AsyncDisposableStack()
  const path = join(closing.use(await temporaryFolder()).path, 'state.sqlite')
  const open = async () => closing.use(await openSqliteStateStore(path, systemClock))
  return { stores: [await open(), await open()], [Symbol.asyncDispose]: () => closing.disposeAsync() }
})

approvalStoreContract('JetStream', count, async () => {
  const closing = new AsyncDisposableStack()
  const { url } = closing.use(await startNats())
  const open = async () => closing.use(await openKvStore(url)).store
  return { stores: [await open(), await open()], [Symbol.asyncDispose]: () => closing.disposeAsync() }
})
