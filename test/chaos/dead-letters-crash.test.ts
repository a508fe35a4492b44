import { test } from 'bun:test'
import { expectNothingLost } from '../support/letter-crashes.ts'

test('300 processes killed in the middle of writes lose nothing that was kept', async () => {
  await expectNothingLost(300)
}, 300_000)
