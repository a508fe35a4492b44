import type { Delivery } from '../../src/bus/bus.ts'
import type { Handler } from '../../src/handler.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Assignment } from '../../src/protocol/assignment.ts'
import { decodeAssignment } from '../../src/protocol/codec.ts'
import { jobKey } from '../../src/protocol/ids.ts'
import { deadlineOf } from '../../src/worker/admission.ts'
import { Job } from '../../src/worker/job.ts'
import { Lease } from '../../src/worker/lease.ts'
import { probe } from '../support/probe.ts'
import { StoredDelivery } from '../support/stored-delivery.ts'
import { assignment as assignmentOf, bytesOf, type Wire } from '../support/worker-rig.ts'

interface Parts {
  /** Laid over an assignment for the handler. */
  readonly fields?: Wire
  /** The handler's input; stands for `fields.job`. */
  readonly payload?: unknown
  readonly handler?: Handler
  readonly clock: Clock
  readonly strict?: boolean
  readonly delivery?: Delivery
  readonly attempts?: number
  readonly cost?: number
}

let made = 0

/** The assignment that these fields make, decoded. */
export function decoded(fields: Wire): Assignment {
  const read = decodeAssignment(bytesOf(assignmentOf(fields)), {})
  if (read.kind !== 'assignment') throw new Error(`no assignment but ${read.kind}`)
  return read.assignment
}

/** A job as intake would admit it, received now. */
export function makeJob(parts: Parts): Job {
  const { clock, handler = probe(() => 'done'), strict = false, attempts = 0, cost = 10, payload = {} } = parts
  const fields = { assignment_id: `made-${++made}`, job: { type: handler.type, payload }, ...parts.fields }
  const assignment = decoded(fields)
  const receivedAt = clock.monotonic()
  const delivery = parts.delivery ?? new StoredDelivery({ body: bytesOf(assignmentOf(fields)) })
  return new Job({
    key: jobKey(assignment),
    assignment,
    handler,
    lease: new Lease(delivery),
    receivedAt,
    deadlineAt: deadlineOf(assignment, receivedAt, strict),
    cost,
    attempts,
  })
}
