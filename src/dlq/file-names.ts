/** What the files of dead letters are called. */
import { format, parse } from 'node:path'

/** The second file, for the faults of callers: `<name>.rejected.<ext>` beside the first. */
export function rejectedPath(path: string): string {
  return beside(path, 'rejected')
}

/** Where it is written down what was replayed: `<name>.replays.<ext>`. */
export function marksPath(path: string): string {
  return beside(path, 'replays')
}

/** Where a file is written anew before it takes the place of the old one: `<name>.draft.<ext>`. */
export function draftPath(path: string): string {
  return beside(path, 'draft')
}

/** The file, always empty, that is locked by whoever changes the others: `<name>.lock`. */
export function lockPath(path: string): string {
  const { dir, name, ext } = parse(path)
  return format({ dir, name, ext: ext === '.lock' ? '.locked' : '.lock' })
}

/**
 * Where a file goes that is put aside: `<path>.<time>`, in UTC and to the millisecond, so that the names sort by time.
 * `now` and `latest`, the time of the last one, are in milliseconds since 1970; no two get the same, whatever the clock does.
 */
export function rotatedPath(path: string, now: number, latest: number): string {
  return `${path}.${new Date(Math.max(now, latest + 1)).toISOString().replaceAll(/[-:.]/g, '')}`
}

const stamp = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/

/** When a file was put aside, in milliseconds since 1970; undefined when `name` is no such file of the one called `base`. */
export function rotationTime(base: string, name: string): number | undefined {
  if (!name.startsWith(`${base}.`)) return undefined
  const [, year, month, day, hour, minute, second, ms] = stamp.exec(name.slice(base.length + 1)) ?? []
  if (year === undefined) return undefined
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
  return Number.isNaN(time) ? undefined : time
}

function beside(path: string, what: string): string {
  const { dir, name, ext } = parse(path)
  return format({ dir, name: `${name}.${what}`, ext })
}
