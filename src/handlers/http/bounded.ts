/** Limits on how much of an input is looked at: the check of each value takes its time, and a message holds very many. */
import { z } from 'zod'

/** A schema for no more than `most` values, as `count` counts them before the schema sees any. */
export function bounded<T extends z.ZodType>(
  schema: T,
  { most, what, count = entriesOf }: { most: number; what: string; count?: (value: unknown) => number },
): z.ZodPreprocess<T> {
  return z.preprocess((value, context) => {
    if (count(value) > most) context.addIssue({ code: 'custom', message: `At most ${most} ${what}` })
    return value
  }, schema)
}

/** A schema of an object of no more than `most` fields; those that are null are absent. */
export function fieldsOf<T extends z.ZodType>(schema: T, most = 100): z.ZodPreprocess<z.ZodPreprocess<T>> {
  return bounded(z.preprocess(withoutNulls, schema), { most, what: 'fields' })
}

/** A text of at most `most` characters (UTF-16 units). */
export function textUpTo(most: number): z.ZodString {
  return z.string().max(most, { abort: true, error: tooLong(most) })
}

/** What is said of a longer text. */
export function tooLong(most: number): string {
  return `At most ${most} characters`
}

/** How many elements a list has, or fields an object. */
export function entriesOf(value: unknown): number {
  if (Array.isArray(value)) return value.length
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
}
