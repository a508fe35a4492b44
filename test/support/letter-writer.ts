/** A process of its own at dead letters, told in JSON what to do. */
import { writeSync } from 'node:fs'
import { openFileDeadLetters } from '../../src/dlq/file-dead-letters.ts'
import { ProcessLock } from '../../src/dlq/process-lock.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { settingsFor } from '../dlq/file-world.ts'
import { letter } from './letters.ts'

/** What the process does: `hold` takes a lock, says so and keeps it; `write` writes dead letters. */
export type LetterOrder =
  | { readonly do: 'hold'; readonly path: string }
  | {
      readonly do: 'write'
      readonly path: string
      readonly config: Partial<ReturnType<typeof settingsFor>>
      /** Entry `n` is of the job `<tag>-<n>`; every fifth is a caller's fault. */
      readonly tag: string
      /** Without it, it writes without end, and says each id when it is kept. */
      readonly entries?: number
      /** About how large an entry is; of various sizes up to 5 kB without it. */
      readonly bytes?: number
    }

/** Starts one. */
export function startLetterWriter(order: LetterOrder) {
  return Bun.spawn([process.execPath, import.meta.path, JSON.stringify(order)], { stdout: 'pipe', stderr: 'inherit' })
}

const inParallel = 4

async function write({ path, config, tag, entries, bytes }: LetterOrder & { readonly do: 'write' }): Promise<void> {
  await using store = await openFileDeadLetters({ config: { ...settingsFor(path), ...config }, clock: systemClock })
  const large = bytes === undefined ? undefined : 'x'.repeat(bytes)
  let written = 0
  const writeOn = async (): Promise<void> => {
    while (entries === undefined || written < entries) {
      const n = written++
      const input = large ?? 'x'.repeat((n * 7919) % 5000)
      const reason = n % 5 === 0 ? 'REJECTED' : 'EXPIRED'
      const timestamp = systemClock.now()
      const record = letter({ timestamp, reason, assignmentId: `${tag}-${n}`, assignment: { input } })
      await store.write(record)
      if (entries === undefined) writeSync(1, `${record.id}\n`)
    }
  }
  await Promise.all(Array.from({ length: inParallel }, writeOn))
}

async function hold(path: string): Promise<void> {
  await using lock = new ProcessLock(path, systemClock)
  await lock.hold(() => {
    writeSync(1, 'held\n')
    systemClock.every(1000, () => undefined)
    return new Promise(() => undefined)
  })
}

if (import.meta.main) {
  // What starts it gives it one.
  const order = JSON.parse(process.argv[2] ?? '') as LetterOrder
  await (order.do === 'hold' ? hold(order.path) : write(order))
}
