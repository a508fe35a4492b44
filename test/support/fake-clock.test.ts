import { describe, expect, test } from 'bun:test'
import { FakeClock } from './fake-clock.ts'

describe('FakeClock', () => {
  test('stands still until it is advanced', async () => {
    const clock = new FakeClock(1000)
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 0])
    await clock.advance(5)
    expect([clock.now(), clock.monotonic()]).toEqual([1005, 5])
  })

  test('fires in order of time, then of arming, each at its own time', async () => {
    const clock = new FakeClock()
    const fired: string[] = []
    const note = (name: string) => () => fired.push(`${name}@${clock.monotonic()}`)
    clock.after(20, note('late'))
    clock.after(10, note('first'))
    clock.after(10, note('second'))
    await clock.advance(19)
    expect(fired).toEqual(['first@10', 'second@10'])
    await clock.advance(1)
    expect(fired).toEqual(['first@10', 'second@10', 'late@20'])
    expect(clock.pending).toBe(0)
  })

  test('fires what a fired timer armed, within the same advance', async () => {
    const clock = new FakeClock()
    const wokenAt: number[] = []
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await clock.sleep(10)
        await Promise.resolve()
        wokenAt.push(clock.monotonic())
      }
    }
    const done = loop()
    await clock.advance(100)
    await done
    expect(wokenAt).toEqual([10, 20, 30])
  })

  test('repeats until cancelled', async () => {
    const clock = new FakeClock()
    let ticks = 0
    const timer = clock.every(10, () => {
      ticks++
    })
    await clock.advance(35)
    expect(ticks).toBe(3)
    timer.cancel()
    timer.cancel()
    await clock.advance(100)
    expect([ticks, clock.pending]).toEqual([3, 0])
  })

  test('a timer can call itself off', async () => {
    const clock = new FakeClock()
    let ticks = 0
    const timer = clock.every(10, () => {
      ticks++
      timer.cancel()
    })
    await clock.advance(50)
    expect([ticks, clock.pending]).toEqual([1, 0])
  })

  test('sleep honours a signal before and while it waits', async () => {
    const clock = new FakeClock()
    const reason = new Error('enough')
    await expect(clock.sleep(10, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const sleeping = clock.sleep(10, controller.signal)
    expect(clock.pending).toBe(1)
    controller.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })

  test('advance rejects with what a callback throws', async () => {
    const clock = new FakeClock()
    clock.after(1, () => {
      throw new Error('planted')
    })
    await expect(clock.advance(1)).rejects.toThrow('planted')
  })
})
