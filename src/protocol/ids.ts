/** Which versions and ids an assignment may have. */

const plain = /^[ -~]+$/
const control = /\p{Cc}/u

/** Printable Unicode of 1 to `maxBytes` bytes of UTF-8. */
function isPrintable(value: unknown, maxBytes: number): value is string {
  if (typeof value !== 'string' || value.length > maxBytes) return false
  if (plain.test(value)) return true
  return value !== '' && value.isWellFormed() && !control.test(value) && Buffer.byteLength(value) <= maxBytes
}

/** Whether a value can serve as an `assignment_id`: opaque, 1 to 128 bytes, no control characters. */
export function isAssignmentId(value: unknown): value is string {
  return isPrintable(value, 128)
}

/** Whether a value can serve as a `tenant_id`: 1 to 256 bytes, no control characters; the word `undefined` means absent. */
export function isTenantId(value: unknown): value is string {
  return isPrintable(value, 256) && value !== 'undefined'
}

/** Whether a `version` is one that is understood here; an absent one is. */
export function isAcceptedVersion(version: unknown): boolean {
  return version === undefined || version === null || version === '1' || version === '1.0' || version === 'v1'
}

/** Tenant and assignment id as one string, for looking jobs up; neither can hold the control character between them. */
export function jobKey(job: { readonly tenantId: string; readonly assignmentId: string }): string {
  return `${job.tenantId}\n${job.assignmentId}`
}
