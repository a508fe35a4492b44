/** A program that uses script threads and does not close them. */
import { systemClock } from '../../../src/lib/clock.ts'
import { ScriptThreadPool } from '../../../src/services/threads/script-thread-pool.ts'

const pool = new ScriptThreadPool({ size: 2, clock: systemClock })
const { signal } = new AbortController()
const task = { kind: 'jmespath', expression: 'sum(@)', data: '[1,2]' } as const
process.stdout.write(`${await pool.run(task, { signal })}\n`)
