import { z } from 'zod'
import { defineHandler } from '../handler.ts'

/** Takes time and nothing else; for trying out limits, priorities and shutdown. */
export const sleep = defineHandler({
  type: 'sleep',
  summary: 'Waits, then succeeds.',
  pool: 'io',
  effect: () => 'none',
  sandbox: 'run',
  input: z.object({ ms: z.int().min(0).default(100).describe('How long to wait, in milliseconds.') }),
  output: z.object({ slept_ms: z.int().describe('How long it waited, in milliseconds.') }),
  example: { ms: 10 },
  sample: { slept_ms: 10 },
  async run({ ms }, { clock, signal }) {
    await clock.sleep(ms, signal)
    return { slept_ms: ms }
  },
})
