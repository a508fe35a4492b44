import { test } from 'bun:test'
import { expectEachReplayedOnce } from '../support/job-letter-crashes.ts'

test('what 300 killed processes have written is replayed whole, each job once', async () => {
  await expectEachReplayedOnce(300)
}, 300_000)
