import type { ReplayMark } from '../store/dead-letter-store.ts'

/** What kept a replay from being sent: no connection, a mark that could not be written, or what the bus said. */
export type FailedBy = 'offline' | 'unmarked' | 'no-responders' | 'refused' | 'too-large'

/** What became of one replay. */
export type Replayed =
  /** The id is that of the job that now runs, or of the result that was published. */
  | { readonly kind: 'sent'; readonly what: 'job' | 'result'; readonly assignmentId: string }
  /** Somebody else has sent it, or is about to. */
  | { readonly kind: 'taken'; readonly mark: ReplayMark }
  /** It was not sent and may be replayed again. */
  | { readonly kind: 'failed'; readonly why: string; readonly cause: FailedBy }
  /** It may have been sent: it stays marked as begun. */
  | { readonly kind: 'unsure'; readonly why: string }
  | { readonly kind: 'unreplayable'; readonly why: string }
  /** It is not there any more. */
  | { readonly kind: 'missing' }
