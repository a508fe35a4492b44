/** A process that logs and ends at once; started by line-sink.test.ts. */
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'
import { openLineSink } from '../../src/observe/line-sink.ts'

const sink = openLineSink(1, systemClock, () => undefined)
if (process.argv[2] === 'flood') {
  for (let i = 0; i < 20_000; i += 1) sink.write(`line ${i}`)
  sink.flush()
  writeSync(2, 'done\n')
} else {
  sink.write('last words')
  process.exit(7)
}
