/** What PostgreSQL writes in its ISO date style, as ISO 8601; what is in no such form stays as it is. */

const timestamp = /^\d{4,}-\d\d-\d\d \d\d:/
const parts =
  /^(?<year>\d{4,})-(?<month>\d\d)-(?<day>\d\d) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)(?<fraction>\.\d+)?(?<sign>[+-])(?<offsetHour>\d\d)(?::(?<offsetMinute>\d\d))?(?::(?<offsetSecond>\d\d))?(?<era> BC)?$/
const hourOffset = /[+-]\d\d$/

/** The calendar repeats itself after so many years, and Date knows the years from 2000 best. */
const cycle = 400
const knownYear = 2000

/** `2026-01-02 03:04:05.6` with a `T` in its middle. A year before the first keeps its ` BC`. */
export function isoTimestamp(text: string): string {
  return timestamp.test(text) ? text.replace(' ', 'T') : text
}

/** `2026-01-02 05:04:05.6+02` as `2026-01-02T03:04:05.6Z`, to the microsecond. A year before the first ends in ` BC`. */
export function isoTimestampInUtc(text: string): string {
  if (text.endsWith('+00') && timestamp.test(text)) return `${text.slice(0, -3).replace(' ', 'T')}Z`
  const found = parts.exec(text)?.groups
  return found === undefined ? text : inUtc(found)
}

/** `03:04:05+02` as `03:04:05+02:00`: the offset stays, as only a date would tell when that is. */
export function isoTimeWithZone(text: string): string {
  return hourOffset.test(text) ? `${text}:00` : text
}

function inUtc(found: Readonly<Record<string, string | undefined>>): string {
  const number = (name: string): number => Number(found[name] ?? 0)
  const isBefore = found['era'] !== undefined
  const year = isBefore ? 1 - number('year') : number('year')
  const shifted = knownYear + (((year % cycle) + cycle) % cycle)
  const offset = number('offsetHour') * 3600 + number('offsetMinute') * 60 + number('offsetSecond')
  const local = Date.UTC(
    shifted,
    number('month') - 1,
    number('day'),
    number('hour'),
    number('minute'),
    number('second'),
  )
  const utc = new Date(local - (found['sign'] === '-' ? -offset : offset) * 1000)
  const fullYear = utc.getUTCFullYear() - shifted + year
  const rest = utc.toISOString().slice(4, 19)
  const era = fullYear > 0 ? '' : ' BC'
  return `${String(fullYear > 0 ? fullYear : 1 - fullYear).padStart(4, '0')}${rest}${found['fraction'] ?? ''}Z${era}`
}
