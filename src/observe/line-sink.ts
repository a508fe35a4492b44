/** Where log lines go: gathered, and written many at a time. */
import { writeSync } from 'node:fs'
import type { Clock, Timer } from '../lib/clock.ts'

const flushAfterMs = 100
const flushAtLength = 32 * 1024
/** What may wait for a reader that takes nothing; what comes on top of it is counted and dropped. */
const mostWaiting = 16 * 1024 * 1024
/** How often the last flush tries, 10 ms apart. */
const lastTries = 100

/** Takes lines without their line end. */
export interface LineSink extends Disposable {
  write(line: string): void
  /** Writes what has gathered, as far as the reader takes it. */
  flush(): void
}

/**
 * Gathers lines for a file descriptor: written when 32 KB are together, at the latest after 100 ms, and when the
 * process ends. A reader that has gone away is not an error. `lost` hears how many lines a slow reader has cost.
 */
export function openLineSink(fd: number, clock: Clock, lost: (lines: number) => void): LineSink {
  let fresh = ''
  let unwritten: Uint8Array = new Uint8Array()
  let dropped = 0
  let timer: Timer | undefined

  const flush = (): void => {
    timer?.cancel()
    timer = undefined
    const bytes = fresh === '' ? unwritten : Buffer.concat([unwritten, Buffer.from(fresh)])
    fresh = ''
    unwritten = writeWhatFits(fd, bytes)
    const lines = dropped
    if (unwritten.length > 0) schedule()
    else if (lines > 0) {
      dropped = 0
      lost(lines)
    }
  }
  const schedule = (): void => {
    timer ??= clock.after(flushAfterMs, flush)
  }
  const finish = (): void => {
    flush()
    for (let tries = 1; unwritten.length > 0 && tries < lastTries; tries += 1) {
      Bun.sleepSync(10)
      flush()
    }
    timer?.cancel()
  }
  process.on('exit', finish)

  return {
    write(line) {
      if (fresh.length + unwritten.length > mostWaiting) dropped += 1
      else fresh += `${line}\n`
      if (unwritten.length === 0 && fresh.length >= flushAtLength) flush()
      else schedule()
    },
    flush,
    [Symbol.dispose]() {
      process.off('exit', finish)
      finish()
    },
  }
}

/** Writes, and returns what is left because the reader is busy; nothing is left when it is gone. */
function writeWhatFits(fd: number, bytes: Uint8Array): Uint8Array {
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(fd, bytes, written)
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
    if (!busy) written = bytes.length
  }
  return bytes.subarray(written)
}
