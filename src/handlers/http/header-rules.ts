/** Which headers a job may set, and what may stand in them. */

/** They belong to the connection or follow from the body: the program writes them itself. */
const own = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
])

/** What is wrong with a header's name, in any case; undefined when nothing is. */
export function nameProblem(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'is not the name of a header'
  const lower = name.toLowerCase()
  return own.has(lower) || lower.startsWith('proxy-') ? 'is set by the program itself' : undefined
}

/** What is wrong with a header's value; undefined when nothing is. */
export function valueProblem(value: string): string | undefined {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    ? undefined
    : 'holds characters that no header can hold, such as line breaks or letters outside of Latin-1'
}
