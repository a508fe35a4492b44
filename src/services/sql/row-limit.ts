/** How many rows are asked for at first, before anything is known of their size. */
export const firstBatch = 8

/** How many rows are asked for when there may be more: one more than are read without a cursor. */
export const usualLimit = firstBatch + 1

/** The text of a query that calls, sorts and limits nothing, with a limit. */
export function limitedText(text: string, limit: number): string {
  return `${text}\nLIMIT ${limit}`
}
