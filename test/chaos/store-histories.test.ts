/** Ten thousand random histories on each store, compared with a map. */
import { test } from 'bun:test'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'
import { openKvStore } from '../nats/open-kv-store.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'
import { startNats } from '../support/nats-server.ts'
import { runHistories } from '../support/store-histories.ts'

const histories = 10_000
const limitMs = 900_000

test(
  'memory',
  async () => {
    await using store = new MemoryStateStore()
    await runHistories([store, store], histories)
  },
  limitMs,
)

test(
  'SQLite',
  async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'state.sqlite')
    await using store = await openSqliteStateStore(path, systemClock)
    await using other = await openSqliteStateStore(path, systemClock)
    await runHistories([store, other], histories)
  },
  limitMs,
)

test(
  'JetStream',
  async () => {
    await using server = await startNats()
    await using one = await openKvStore(server.url)
    await using other = await openKvStore(server.url)
    await runHistories([one.store, other.store], histories)
  },
  limitMs,
)
