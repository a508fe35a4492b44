/** A program that uses script threads and nothing else: are their entry file and the interpreter found in an executable? */
import { systemClock } from '../../src/lib/clock.ts'
import { openJmespath } from '../../src/services/jmespath/jmespath.ts'
import { openScripts } from '../../src/services/scripts/scripts.ts'
import { ScriptThreadPool } from '../../src/services/threads/script-thread-pool.ts'

await using threads = new ScriptThreadPool({ size: 2, clock: systemClock })
const jmespath = openJmespath({ threads, clock: systemClock, atOnce: false })
const { signal } = new AbortController()
const found = await Promise.all([1, 2, 3, 4].map((n) => jmespath.search('sum(n)', { n: [n, 40] }, signal)))
const config = { timeoutMs: 5000, memoryBytes: 64e6, stackBytes: 512e3 }
const scripts = openScripts({ threads, clock: systemClock, config })
const { value } = await scripts.run({ code: 'n * 2', args: { n: 22 }, captureLogs: false }, { signal })
found.push(value)
process.stdout.write(`${JSON.stringify(found)}\n`)
