/** A process that writes dead letters of jobs that can be replayed, and says which of them were kept, until it is killed. */
import { writeSync } from 'node:fs'
import { openFileDeadLetters } from '../../src/dlq/file-dead-letters.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { settingsFor } from '../dlq/file-world.ts'
import { jobLetter } from './job-letters.ts'

/** Starts one, which writes the jobs `TAG-0`, `TAG-1` and so on. */
export function startJobLetterWriter(path: string, tag: string) {
  return Bun.spawn([process.execPath, import.meta.path, path, tag], { stdout: 'pipe', stderr: 'inherit' })
}

async function write(path: string, tag: string): Promise<never> {
  await using store = await openFileDeadLetters({ config: settingsFor(path), clock: systemClock })
  for (let n = 0; ; n += 1) {
    const record = jobLetter(`${tag}-${n}`, 'x'.repeat((n * 7919) % 3000), systemClock.now())
    await store.write(record)
    writeSync(1, `${record.assignment_id}\n`)
  }
}

if (import.meta.main) {
  const [, , path = '', tag = ''] = process.argv
  await write(path, tag)
}
