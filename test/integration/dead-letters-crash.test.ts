import { test } from 'bun:test'
import { expectNothingLost } from '../support/letter-crashes.ts'

test('processes killed in the middle of writes lose nothing that was kept', async () => {
  await expectNothingLost(30)
}, 60_000)
