import { z } from 'zod'
import { defineHandler, type Handler } from '../handler.ts'
import type { Jmespath } from '../services/jmespath/jmespath.ts'
import type { Scripts } from '../services/scripts/scripts.ts'
import { fieldsOf } from './http/bounded.ts'

interface Services {
  readonly jmespath: Jmespath
  readonly scripts: Pick<Scripts, 'timeoutMs'>
}

/** The job type `jmespath`: an expression over data. */
export function jmespath({ jmespath: service, scripts: { timeoutMs } }: Services): Handler {
  return defineHandler({
    type: 'jmespath',
    aliases: ['script.jmespath'],
    summary: 'Evaluates a JMESPath expression.',
    pool: 'cpu',
    effect: () => 'none',
    sandbox: 'run',
    input: fieldsOf(
      z.object({
        expression: z.string().describe('A JMESPath expression of at most 16,384 characters.'),
        data: z.unknown().optional().describe('What it is evaluated over; null when it is left out.'),
        timeout_ms: z
          .int()
          .min(1)
          .optional()
          .describe('Limit in milliseconds; without it what is left of options.deadline_ms, else SCRIPT_TIMEOUT_MS.'),
      }),
    ),
    output: z.unknown().describe('The value, or nothing when it is null.'),
    example: { expression: 'people[?age > `30`].name', data: { people: [{ name: 'Ada', age: 36 }] } },
    sample: ['Ada'],
    timeoutMs,
    run: ({ expression, data }, context) => service.search(expression, data ?? null, context.signal, context),
  })
}
