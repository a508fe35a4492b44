/** What the streams of dead letters and the subjects in them are called. Pure. */
import { createHash } from 'node:crypto'

/** The names of one place of dead letters. */
export interface DeadLetterNames {
  /** The stream for what an operator should replay, and for the marks of replays. */
  readonly stream: string
  /** The stream for callers' faults, which has a tenth of the room. */
  readonly rejectedStream: string
  /** Subjects with a wildcard for the last token. */
  readonly entries: string
  readonly rejected: string
  readonly marks: string
}

/** The names under a stream's name and the subject of notifications. */
export function deadLetterNames(stream: string, subject: string): DeadLetterNames {
  return {
    stream,
    rejectedStream: `${stream}_REJECTED`,
    entries: `${subject}.entry.*`,
    rejected: `${subject}.rejected.*`,
    marks: `${subject}.mark.*`,
  }
}

/** The subject of an entry. */
export function entrySubject(names: DeadLetterNames, id: string, rejected: boolean): string {
  return withToken(rejected ? names.rejected : names.entries, id)
}

/** The subject of what is written down of a job's replays; whatever the job is called, it is one token. */
export function markSubject(names: DeadLetterNames, job: string): string {
  return withToken(names.marks, createHash('sha256').update(job).digest('base64url'))
}

/** The last token of a subject. */
export function lastToken(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}

function withToken(pattern: string, token: string): string {
  return pattern.slice(0, -1) + token
}
