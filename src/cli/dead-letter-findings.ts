/** What `check` says of the stream for dead letters. Pure. */
import type { Inspection } from '../nats/inspection.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const name = 'dlq_stream'

/** Whether the stream that `DLQ_STREAM` names can be used; nothing without one, or without an answer of NATS. */
export function deadLetterStreamFindings({ deadLetters: place }: Pick<Inspection, 'deadLetters'>): readonly Finding[] {
  switch (place?.kind) {
    case undefined:
      return []
    case 'no-jetstream':
      return [fail(name, 'DLQ_STREAM needs JetStream; enable it, or leave DLQ_STREAM out: dead letters go to the file')]
    case 'unknown':
      return [fail(name, `cannot be asked for (${place.reason}); allow this user $JS.API.>`)]
    case 'there': {
      const { names, missing, problem, fault } = place
      if (problem !== undefined) {
        return [fail(name, `${problem}; correct it, or name another in DLQ_STREAM: dead letters go to the file`)]
      }
      if (fault !== undefined) return [warn(name, `dead letters are kept in ${names.stream}, but ${fault}`)]
      const made = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} made at start`
      return [
        ok(
          name,
          `dead letters are kept in ${names.stream}${missing.length === 0 ? ', shared by the fleet' : `; ${made}`}`,
        ),
      ]
    }
  }
}
