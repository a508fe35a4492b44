import { z } from 'zod'
import { defineHandler } from '../handler.ts'

/** Gives back what it got; for trying out the line a job travels. */
export const echo = defineHandler({
  type: 'echo',
  summary: 'Returns its input, unchanged.',
  pool: 'io',
  effect: () => 'none',
  sandbox: 'run',
  input: z.unknown(),
  output: z.unknown(),
  example: { hello: 'world' },
  sample: { hello: 'world' },
  run: (input) => Promise.resolve(input),
})
