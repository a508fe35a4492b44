import { z } from 'zod'
import { statusMatcher } from '../../lib/status-pattern.ts'
import { bounded, entriesOf } from './bounded.ts'

const mostStatuses = 100

const element = z.union([z.string(), z.int()])

/** Statuses as a job writes them: `"2xx,404"`, `"any"`, `404`, `[200, "3xx"]`. */
export const statuses = bounded(
  z.union([z.string(), z.int(), z.array(element)], { error: problem }).refine(isStatuses, { error: problem }),
  {
    most: mostStatuses,
    what: 'statuses',
    count: (value) => (typeof value === 'string' ? value.split(',', mostStatuses + 1).length : entriesOf(value)),
  },
)

/** The same as a list of single elements. */
export function statusList(value: string | number | readonly (string | number)[]): readonly (number | string)[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'string' ? value.split(',') : value
}

function isStatuses(value: string | number | readonly (string | number)[]): boolean {
  return statusMatcher(statusList(value)) !== undefined
}

function problem(): string {
  return 'Not statuses, such as 2xx, 404, 400-403, any, or a list of them'
}
