import { describe, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'

describe('systemClock', () => {
  test('tells the time', () => {
    const before = Date.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    expect(systemClock.now()).toBeLessThanOrEqual(Date.now())
  })

  test('monotonic never goes back', () => {
    const times = Array.from({ length: 1000 }, () => systemClock.monotonic())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  test('sleeps no shorter than asked', async () => {
    const start = performance.now()
    await systemClock.sleep(5)
    expect(performance.now() - start).toBeGreaterThanOrEqual(4)
  })

  test('a sleep ends with the reason of its signal, before and while it waits', async () => {
    const reason = new Error('enough')
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const sleeping = systemClock.sleep(60_000, controller.signal)
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
  })

  test('a sleep that is over has let go of its signal', async () => {
    const { signal } = new AbortController()
    let removed = 0
    const remove = signal.removeEventListener.bind(signal)
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      removed++
      remove(...args)
    }
    await systemClock.sleep(1, signal)
    expect(removed).toBe(1)
  })

  test('a timer fires once, unless it was called off', async () => {
    const fired: string[] = []
    const cancelled = systemClock.after(1, () => fired.push('cancelled'))
    cancelled.cancel()
    cancelled.cancel()
    await new Promise<void>((resolve) =>
      systemClock.after(5, () => {
        fired.push('kept')
        resolve()
      }),
    )
    expect(fired).toEqual(['kept'])
  })

  test('a wait beyond what the runtime can hold does not fire at once', async () => {
    let fired = false
    const timer = systemClock.after(2 ** 31 + 1000, () => {
      fired = true
    })
    await systemClock.sleep(5)
    timer.cancel()
    expect(fired).toBe(false)
  })

  test('repeats until called off', async () => {
    let ticks = 0
    await new Promise<void>((resolve) => {
      const timer = systemClock.every(1, () => {
        if (++ticks < 3) return
        timer.cancel()
        resolve()
      })
    })
    await systemClock.sleep(5)
    expect(ticks).toBe(3)
  })
})
