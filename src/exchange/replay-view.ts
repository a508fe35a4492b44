/** Dead letters as commands and routes show them. Pure. */
import { deadLetterHead } from '../protocol/dead-letter.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { KeptDeadLetter } from '../store/dead-letter-store.ts'

/** An entry without its contents, and what became of it. */
export function shownHead({ record, ...state }: KeptDeadLetter): JsonObject {
  return { ...deadLetterHead(record), ...shownState(state) }
}

/** The whole of it. */
export function shownWhole({ record, ...state }: KeptDeadLetter): JsonObject {
  return { ...record, ...shownState(state) }
}

function shownState({ mark, rejected }: Omit<KeptDeadLetter, 'record'>): JsonObject {
  return { ...(rejected && { rejected }), ...(mark !== undefined && { mark }) }
}
