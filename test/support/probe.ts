import { z } from 'zod'
import { defineHandler, type Handler, type JobContext } from '../../src/handler.ts'

/** A handler that does what a test says, on any input. */
export function probe(
  run: (input: unknown, context: JobContext) => unknown,
  overrides: Partial<Omit<Handler, 'input' | 'output' | 'run'>> = {},
): Handler {
  return defineHandler({
    type: 'probe',
    summary: 'Does what a test says.',
    pool: 'io',
    effect: () => 'none',
    sandbox: 'run',
    input: z.unknown(),
    output: z.unknown(),
    example: {},
    sample: { sample: true },
    run: async (input, context) => run(input, context),
    ...overrides,
  })
}

/** Resolves when the signal aborts, with its reason. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}

/** Never settles before its signal aborts, and then rejects with the reason, as a handler should. */
export async function untilStopped(_input: unknown, { signal }: JobContext): Promise<never> {
  throw await aborted(signal)
}
