import { test } from 'bun:test'
import { expectCapHeld } from '../support/letter-flood.ts'

test('10 GB of dead letters stay under a cap of 200 MB all the time, and the newest are kept', async () => {
  await expectCapHeld({
    bytes: 10_000_000_000,
    config: { maxBytes: 100_000_000, maxRotations: 5, totalMaxBytes: 200_000_000 },
  })
}, 900_000)
