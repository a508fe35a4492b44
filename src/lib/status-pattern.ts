/** Which HTTP statuses are meant: `2xx,3xx`, `404`, `400-403`, `any`, or a list of numbers and such texts. */

/** Whether a status is among those that are meant. */
export type StatusPattern = (status: number) => boolean

interface Range {
  readonly from: number
  readonly to: number
}

/** Reads elements separated by commas; undefined when one of them is none, or when there is none. */
export function parseStatusPattern(text: string): StatusPattern | undefined {
  return statusMatcher(text.split(','))
}

/** The same for a list; undefined when one of its elements is no status and no pattern, or when it is empty. */
export function statusMatcher(list: readonly (number | string)[]): StatusPattern | undefined {
  const ranges = list.map((element) => rangeOf(String(element).trim()))
  const read = ranges.filter((range) => range !== undefined)
  if (read.length === 0 || read.length < ranges.length) return undefined
  return (status) => read.some(({ from, to }) => status >= from && status <= to)
}

function rangeOf(text: string): Range | undefined {
  if (/^any$/i.test(text)) return { from: 100, to: 999 }
  const hundreds = /^([1-9])xx$/i.exec(text)
  if (hundreds !== null) return { from: Number(hundreds[1]) * 100, to: Number(hundreds[1]) * 100 + 99 }
  const match = /^([1-9]\d\d)(?:-([1-9]\d\d))?$/.exec(text)
  if (match === null) return undefined
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from <= to ? { from, to } : undefined
}
