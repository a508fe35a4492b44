/** A program that does nothing but search on a script thread: is its entry file found in an executable? */
import { systemClock } from '../../src/lib/clock.ts'
import { openJmespath } from '../../src/services/jmespath/jmespath.ts'
import { ScriptThreadPool } from '../../src/services/threads/script-thread-pool.ts'

await using threads = new ScriptThreadPool({ size: 2, clock: systemClock })
const jmespath = openJmespath({ threads, clock: systemClock, atOnce: false })
const { signal } = new AbortController()
const found = await Promise.all([1, 2, 3, 4].map((n) => jmespath.search('sum(n)', { n: [n, 40] }, signal)))
process.stdout.write(`${JSON.stringify(found)}\n`)
