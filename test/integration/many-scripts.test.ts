import { expect, test } from 'bun:test'
import { openTestScripts } from '../services/scripts/open-scripts.ts'

const warmUp = 5000
const scripts = 50_000
const mostGrowth = 50 * 1024 * 1024
const timeLimitMs = 180_000

test(
  '50,000 scripts in a row take less than 50 MB',
  async () => {
    await using opened = openTestScripts()
    const run = async (count: number): Promise<void> => {
      let started = 0
      const lane = async (): Promise<void> => {
        while (started < count) {
          const x = started++
          const code =
            x % 100 === 0 ? `throw new Error('x')` : 'const list = args.list.map((it) => it * 2); ({ x: x * 2, list })'
          await opened.run(code, { args: { x, list: [x, x + 1] }, captureLogs: x % 10 === 0 })
        }
      }
      await Promise.all([lane(), lane(), lane()])
    }
    const resident = (): number => {
      Bun.gc(true)
      return process.memoryUsage.rss()
    }
    await run(warmUp)
    const before = resident()
    await run(scripts)
    expect(resident() - before).toBeLessThan(mostGrowth)
  },
  timeLimitMs,
)
