import { type DeadLetterFilter, isAskedFor } from '../exchange/replay-filter.ts'
import { shownHead, shownWhole } from '../exchange/replay-view.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'
import { deadLetterRow, jsonPage, jsonRow, rowHeading } from './dlq-text.ts'
import { exitCodes } from './exit-code.ts'
import type { Output } from './output.ts'

interface Listing {
  readonly store: DeadLetterStore
  readonly filter: DeadLetterFilter
  readonly limit: number
  readonly json: boolean
  readonly output: Output
  readonly signal: AbortSignal
}

/** Prints a line for each entry that is asked for, newest first. */
export async function listDeadLetters({ store, filter, limit, json, output, signal }: Listing): Promise<number> {
  let count = 0
  for await (const kept of store.entries(signal)) {
    if (!isAskedFor(kept, filter)) continue
    if (++count > limit) break
    if (count === 1 && !json && output.stdoutIsTerminal) await output.print(rowHeading)
    await output.print(json ? jsonRow(shownHead(kept)) : deadLetterRow(kept))
  }
  if (count > limit) output.complain('There are more; --limit shows them.')
  else if (count === 0 && output.stderrIsTerminal) output.complain(`No such dead letters in ${store.place}.`)
  return exitCodes.done
}

/** Prints all of an entry; 1 when there is none. */
export async function showDeadLetter(
  id: string,
  { store, json, output, signal }: Pick<Listing, 'store' | 'json' | 'output' | 'signal'>,
): Promise<number> {
  const kept = await store.find(id, signal)
  if (kept === undefined) {
    output.complain(`beamline: there is no such dead letter in ${store.place}`)
    return exitCodes.failed
  }
  const whole = shownWhole(kept)
  await output.print(json ? jsonRow(whole) : jsonPage(whole))
  return exitCodes.done
}
