/** Writes data of any size as JSON text, a piece at a time, so that nothing else in the process has to wait for it. */
import type { Clock } from '../../lib/clock.ts'
import { limitError } from './jmespath-error.ts'
import { jsonParts } from './json-parts.ts'
import type { Json } from './json-value.ts'
import { LimitReached, Meter } from './meter.ts'

/** How much is written before everything else has its turn: what takes about a millisecond. */
const stepsInTurn = 20_000

/**
 * The JSON text of plain data. Rejects with SCRIPT_LIMIT_EXCEEDED when it is longer than `longest` characters or nested
 * more than 1,000 deep, and with the signal's reason.
 */
export async function writeJson(
  data: Json,
  longest: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string> {
  let text = ''
  let recent: string[] = []
  // The caller has had a turn of work to find out that the data is not small.
  let isTurnOver = true
  const endTurn = (): true => {
    isTurnOver = true
    return true
  }
  try {
    for (const part of jsonParts(data, new Meter({ steps: stepsInTurn, size: longest, refill: endTurn }))) {
      recent.push(part)
      if (!isTurnOver) continue
      text += recent.join('')
      recent = []
      await new Promise<void>((resolve) => clock.soon(resolve))
      signal.throwIfAborted()
      isTurnOver = false
    }
  } catch (thrown) {
    if (thrown instanceof LimitReached) throw limitError(thrown.limit === 'depth' ? 'depth' : 'size')
    throw thrown
  }
  return text + recent.join('')
}
