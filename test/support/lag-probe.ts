/**
 * Loaded before a program: measures how late its event loop is, and leaves it in the file LAG_FILE when it exits, as
 * lists: late by how many milliseconds, how many of these it waited for a processor that others had (Linux only), and when.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'

const everyMs = 5
const lags: [lateMs: number, waitedMs: number, at: number][] = []
let lastMs = systemClock.monotonic()
let lastWaitedMs = waitedMs()

systemClock.every(everyMs, () => {
  const [nowMs, nowWaitedMs] = [systemClock.monotonic(), waitedMs()]
  lags.push([nowMs - lastMs - everyMs, nowWaitedMs - lastWaitedMs, systemClock.now()])
  lastMs = nowMs
  lastWaitedMs = nowWaitedMs
})

process.on('exit', () => {
  const path = process.env['LAG_FILE']
  if (path !== undefined) writeFileSync(path, JSON.stringify(lags))
})

/** What the kernel counts as this thread's time on the run queue. */
function waitedMs(): number {
  try {
    const [, waitedNs = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ').map(Number)
    return waitedNs / 1e6
  } catch {
    return 0
  }
}
