/** Records as they fit into a message. Pure. */
import { encodeText, objectText } from '../protocol/json.ts'
import { type Approval, wireRecord } from './approval.ts'
import type { ApprovalPage } from './desk.ts'

/** What a message is made of beside its records, in bytes. */
const roomForFrame = 256

/** As much of a page as fits, as it is told; `next` is where the rest begins. What fits nowhere is told in brief. */
export function pageWithin({ items, next }: ApprovalPage, maxBytes: number) {
  const told: object[] = []
  let left = maxBytes - roomForFrame
  for (const [index, approval] of items.entries()) {
    const record = recordWithin(approval, maxBytes)
    left -= sizeOf(record)
    if (left < 0 && told.length > 0) return { items: told, next: items[index - 1]?.id }
    told.push(record)
  }
  return { items: told, next }
}

/** A record as it is told in a message: whole, or without whatever may be long. */
export function recordWithin(approval: Approval, maxBytes: number): ReturnType<typeof wireRecord> {
  const record = wireRecord(approval)
  if (sizeOf(record) <= maxBytes - roomForFrame) return record
  const { comment: _comment, ...brief } = record
  return { ...brief, prompt: '', approvers: [], votes: [] }
}

/** With the comma behind it. */
function sizeOf(record: ReturnType<typeof wireRecord>): number {
  return encodeText(objectText(record)).length + 1
}
