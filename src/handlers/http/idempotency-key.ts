import { createHash } from 'node:crypto'

/** The header that lets a server tell a repetition. */
export const idempotencyHeader = 'idempotency-key'

/** The same UUID for every try of a job, wherever it runs; tells neither the tenant nor the assignment. */
export function idempotencyKey(tenantId: string, assignmentId: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(['beamline', tenantId, assignmentId]))
    .digest()
  const hex = digest.toString('hex', 0, 16)
  // A UUID of version 8 (RFC 9562): made in a way of one's own.
  const variant = ((digest[8] ?? 0) & 0x3f) | 0x80
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`]
  return [...parts, `${variant.toString(16)}${hex.slice(18, 20)}`, hex.slice(20)].join('-')
}
