import { test } from 'bun:test'
import { expectCapHeld } from '../support/letter-flood.ts'

test('1 GB of dead letters stays under a cap of 50 MB all the time, and the newest are kept', async () => {
  await expectCapHeld({
    bytes: 1_000_000_000,
    config: { maxBytes: 5_000_000, maxRotations: 100, totalMaxBytes: 50_000_000 },
  })
}, 120_000)
