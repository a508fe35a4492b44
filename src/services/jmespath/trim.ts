import type { Meter } from './meter.ts'

/** What is trimmed when nothing is named. */
const blanks: ReadonlySet<number> = codesOf(
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff',
)

/** A text without the code points at its ends that are among `chars`; blanks when those are none. */
export function trimmed(
  text: string,
  chars: string | undefined,
  side: 'left' | 'right' | 'both',
  meter: Meter,
): string {
  const set = chars === undefined || chars === '' ? blanks : codesOf(chars, meter)
  let [start, end] = [0, text.length]
  while (side !== 'right' && start < end) {
    const code = text.codePointAt(start) ?? 0
    if (!set.has(code)) break
    meter.step()
    start += lengthOf(code)
  }
  while (side !== 'left' && end > start) {
    const code = codePointBefore(text, end)
    if (!set.has(code)) break
    meter.step()
    end -= lengthOf(code)
  }
  return text.slice(start, end)
}

function codePointBefore(text: string, end: number): number {
  const code = text.codePointAt(end - 2) ?? 0
  return end >= 2 && lengthOf(code) === 2 ? code : text.charCodeAt(end - 1)
}

function lengthOf(code: number): number {
  return code > 0xffff ? 2 : 1
}

function codesOf(text: string, meter?: Meter): ReadonlySet<number> {
  const codes = new Set<number>()
  for (const point of text) {
    meter?.step()
    const code = point.codePointAt(0) ?? 0
    if (codes.has(code)) continue
    meter?.makePlaces(2)
    codes.add(code)
  }
  return codes
}
