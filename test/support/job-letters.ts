import type { DeadLetter } from '../../src/protocol/dead-letter.ts'
import { letter } from './letters.ts'

/** The dead letter of a job of type `echo` that would succeed, of the tenant `acme`. */
export function jobLetter(assignmentId: string, payload: unknown, timestamp?: number): DeadLetter {
  const job = { type: 'echo', payload }
  const assignment = { version: '1', assignment_id: assignmentId, tenant_id: 'acme', job }
  return letter({ assignmentId, assignment, ...(timestamp !== undefined && { timestamp }) })
}
