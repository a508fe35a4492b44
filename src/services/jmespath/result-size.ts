/** The longest value of an expression as JSON text, in characters: what is read back at once takes some milliseconds. */
export const longestResult = 1024 * 1024
