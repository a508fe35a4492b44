/** What a status of HTTP says about trying again. */

/** Whether another try may help: 408, 425, 429 and everything from 500 on. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500
}

/**
 * How long a Retry-After header asks to wait, in milliseconds from `nowMs` (since 1970); undefined when it is absent,
 * cannot be read, or asks for no wait at all.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const text = header.trim()
  // Without a letter it is no date of HTTP, though Date.parse would make one of it.
  if (!/^\d{1,9}$/.test(text) && !/[a-z]/i.test(text)) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return ms > 0 ? ms : undefined
}
