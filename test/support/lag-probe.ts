/** Loaded before a program: measures how late its event loop is, and leaves it in the file LAG_FILE when it exits. */
import { writeFileSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'

const everyMs = 5
const lags: number[] = []
let lastMs = systemClock.monotonic()

systemClock.every(everyMs, () => {
  const nowMs = systemClock.monotonic()
  lags.push(nowMs - lastMs - everyMs)
  lastMs = nowMs
})

process.on('exit', () => {
  const path = process.env['LAG_FILE']
  if (path !== undefined) writeFileSync(path, JSON.stringify(lags))
})
