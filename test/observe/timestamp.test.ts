import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { openTimestamps } from '../../src/observe/timestamp.ts'

const startMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

/** A clock whose two times are set by hand. */
function handClock(): { clock: Clock; set(wallMs: number, monotonicMs: number): void } {
  let [wall, monotonic] = [startMs, 0]
  return {
    clock: { ...systemClock, now: () => Math.floor(wall), monotonic: () => monotonic },
    set: (wallMs, monotonicMs) => {
      wall = wallMs
      monotonic = monotonicMs
    },
  }
}

describe('timestamps', () => {
  test('have six decimals, the last three from the monotonic clock', () => {
    const { clock, set } = handClock()
    const timestamp = openTimestamps(clock)
    expect(timestamp()).toBe('2026-01-02T03:04:05.678000Z')
    set(startMs, 0.901)
    expect(timestamp()).toBe('2026-01-02T03:04:05.678901Z')
  })

  test('follow the wall clock when it jumps', () => {
    const { clock, set } = handClock()
    const timestamp = openTimestamps(clock)
    timestamp()
    set(startMs + 3_600_000, 1)
    expect(timestamp()).toStartWith('2026-01-02T04:04:05.678')
    set(startMs - 3_600_000, 2)
    expect(timestamp()).toStartWith('2026-01-02T02:04:05.678')
  })

  test('never differ from the wall clock by a millisecond, and never go back while it does not', () => {
    const steps = fc.array(
      fc.record({
        passedMs: fc.double({ min: 0, max: 3000, noNaN: true }),
        driftMs: fc.double({ min: 0, max: 0.5, noNaN: true }),
      }),
    )
    fc.assert(
      fc.property(steps, (list) => {
        const { clock, set } = handClock()
        const timestamp = openTimestamps(clock)
        let [wall, monotonic, last] = [startMs, 0, '']
        for (const { passedMs, driftMs } of list) {
          wall += passedMs
          monotonic += passedMs + driftMs
          set(wall, monotonic)
          const text = timestamp()
          expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
          expect(text.slice(0, 23)).toBe(new Date(Math.floor(wall)).toISOString().slice(0, 23))
          expect(text >= last).toBe(true)
          last = text
        }
      }),
    )
  })
})
