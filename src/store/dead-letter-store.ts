/**
 * The port to where dead letters are kept, read, replayed and thrown away. Adapters: files in `dlq/`, a JetStream stream
 * in `nats/`. `test/contract/dead-letter-store.contract.ts` runs over both.
 */
import type { DeadLetter } from '../protocol/dead-letter.ts'

/** What was written down of a replay. */
export interface ReplayMark {
  /**
   * - `begun`: somebody is about to send it, or crashed while doing so: it may have been sent
   * - `done`: it was sent
   * - `failed`: it was not sent; it may be replayed again
   */
  readonly state: 'begun' | 'done' | 'failed'
  /** RFC 3339. */
  readonly at: string
  /** Who replayed: `command`, `api` or `auto`, and from where. */
  readonly by: string
  /** Counts the replays of the job, from 1; what `.r<n>` was made of. */
  readonly n: number
  /** The entry that stood for this one, when it was not itself the newest of its job. */
  readonly through?: string
}

/** A dead letter with what became of it. */
export interface KeptDeadLetter {
  readonly record: DeadLetter
  /** The last mark; undefined as long as nobody has replayed it. */
  readonly mark: ReplayMark | undefined
  /** It is among the callers' own faults, which have a tenth of the room. */
  readonly rejected: boolean
}

/** What somebody is about to replay. */
export interface Claim {
  /** Tells the job from others, whatever replay it was: tenant and assignment id without `.r<n>`. */
  readonly job: string
  /** The entry that is sent, first, and those of the same job that it stands for. */
  readonly ids: readonly [string, ...string[]]
  /** `n` is at least this. */
  readonly atLeast: number
  /** Also when an entry is marked `begun` or `done`. */
  readonly force: boolean
  readonly by: string
}

/** A claim that was granted, to be settled; or the mark that stood in its way. */
export type Claimed =
  | { readonly kind: 'granted'; readonly n: number }
  | { readonly kind: 'taken'; readonly mark: ReplayMark }

/** Keeps dead letters for those who share the place. Everything asked rejects with the reason when it cannot be done. */
export interface DeadLetterStore extends AsyncDisposable {
  /** In a few words for messages: the path, or the name of the stream. */
  readonly place: string
  /** Writes the whole record; resolves when it is kept, rejects with the reason when it is not known to be: then write it again. */
  write(record: DeadLetter, signal?: AbortSignal): Promise<void>
  /** All entries that can be read, newest first; what a crash cut off is left out. */
  entries(signal: AbortSignal): AsyncIterable<KeptDeadLetter>
  find(id: string, signal: AbortSignal): Promise<KeptDeadLetter | undefined>
  /** Marks entries as `begun`, unless one of them is `begun` or `done` already. Of two at once, from whatever process, one is granted. */
  claim(claim: Claim, signal: AbortSignal): Promise<Claimed>
  /** Marks what was claimed as `done` or `failed`. */
  settle(claim: Claim, n: number, state: 'done' | 'failed', signal: AbortSignal): Promise<void>
  /** Removes the entries that match, for good, and resolves with how many they were. Entries written meanwhile stay. */
  purge(matches: (kept: KeptDeadLetter) => boolean, signal: AbortSignal): Promise<number>
  /** How much is kept, as far as is known without looking; undefined where nobody counted. */
  size(): { readonly bytes: number; readonly entries: number } | undefined
}

/** Opens the dead letters that the workers of a bus share. */
export interface DeadLetterSource {
  /** Makes the stream when it is missing and may be made; returns before it is there. */
  open(name: string): DeadLetterStore
}
