/** The port to wherever dead letters are kept. */
import type { DeadLetter } from '../protocol/dead-letter.ts'

/** Keeps what could not be done. Disposing of it waits for the writes under way. */
export interface DeadLetters extends AsyncDisposable {
  /** Writes the whole record; resolves when it is written, rejects with the reason when it cannot be: then write it again. */
  write(record: DeadLetter): Promise<void>
}
