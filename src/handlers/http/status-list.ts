import { z } from 'zod'
import { statusMatcher } from '../../lib/status-pattern.ts'

/** Statuses as a job writes them: `"2xx,404"`, `"any"`, `404`, `[200, "3xx"]`. */
export const statuses = z
  .union([z.string(), z.int(), z.array(z.union([z.string(), z.int()]))])
  .refine((value) => statusMatcher(statusList(value)) !== undefined, {
    error: 'Not statuses: such as 2xx, 404, 400-403, any, or a list of them',
  })

/** The same as a list of single elements. */
export function statusList(value: string | number | readonly (string | number)[]): readonly (number | string)[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'string' ? value.split(',') : value
}
