import { test } from 'bun:test'
import { expectOneLongRun } from '../support/long-job.ts'

test('a job of 90 s with a lease of 5 s runs once, while 10,000 others pass', async () => {
  await expectOneLongRun({ jobMs: 90_000, ackWaitMs: 5000, others: 10_000 })
}, 180_000)
