import { z } from 'zod'
import { defineHandler, type Handler } from '../handler.ts'
import type { Scripts } from '../services/scripts/scripts.ts'
import { fieldsOf } from './http/bounded.ts'

/** The job type `javascript`: a script that computes a value and reaches nothing else. */
export function javascript(scripts: Scripts): Handler {
  return defineHandler({
    type: 'javascript',
    aliases: ['script.javascript'],
    summary: 'Runs a script and gives back the value of its last expression.',
    pool: 'cpu',
    effect: () => 'none',
    sandbox: 'run',
    input: fieldsOf(
      z.object({
        code: z.string().describe('A script, not a module. A promise at its end is awaited.'),
        args: z
          .record(z.string(), z.unknown())
          .optional()
          .describe('Each key that is an identifier is a global variable, and all of it is `args`.'),
        capture_logs: z
          .boolean()
          .default(false)
          .describe('Whether the output is `{value, logs}`, with the lines of `console`, instead of the value.'),
        timeout_ms: z
          .int()
          .min(1)
          .optional()
          .describe('Limit in milliseconds; without it what is left of options.deadline_ms, else SCRIPT_TIMEOUT_MS.'),
      }),
    ),
    output: z.unknown().describe('The value as JSON, or nothing when it is undefined.'),
    example: { code: 'x * 2', args: { x: 21 } },
    sample: 42,
    timeoutMs: scripts.timeoutMs,
    async run({ code, args = {}, capture_logs: captureLogs }, context) {
      const limits = { signal: context.signal, owner: context }
      const { value, logs } = await scripts.run({ code, args, captureLogs }, limits)
      if (!captureLogs) return value
      return value === undefined ? { logs } : { value, logs }
    },
  })
}
