import { describe, expect, test } from 'bun:test'
import { DeadLetterBox } from '../../src/exchange/dead-letter-box.ts'
import { noMask } from '../../src/lib/secret-mask.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { type DeadLetter, deadLetter } from '../../src/protocol/dead-letter.ts'
import { FakeClock } from '../support/fake-clock.ts'

function record(id: string): DeadLetter {
  const origin = { subject: 's', body: new Uint8Array(), headers: {}, form: 'bare' as const, mask: noMask }
  return deadLetter({ id, timestamp: 0, reason: 'JOB_FAILED', workerId: 'w', ...origin })
}

function open() {
  const clock = new FakeClock()
  const events: string[] = []
  const lines: string[] = []
  const disk = { full: false }
  const metrics = new Metrics({ version: '0', bun: '0', commit: '0' }, clock)
  const box = new DeadLetterBox({
    deadLetters: {
      async write({ id }) {
        events.push(`write ${id}`)
        if (disk.full) throw new Error('no space left')
      },
    },
    path: '/somewhere/dlq.jsonl',
    notify: ({ id }) => events.push(`notify ${id}`),
    onBlocked: (blocked) => events.push(blocked ? 'blocked' : 'free'),
    clock,
    log: openLogger({
      level: 'info',
      format: 'json',
      workerId: 'w',
      component: 'c',
      to: (line) => lines.push(line),
      clock,
    }),
    metrics,
  })
  return { clock, box, events, lines, disk, metrics, [Symbol.dispose]: () => metrics[Symbol.dispose]() }
}

const never = new AbortController().signal

describe('a dead letter', () => {
  test('is written, then announced and counted', async () => {
    using all = open()
    expect(await all.box.put(record('1'), never)).toBe(true)
    expect(all.events).toEqual(['write 1', 'notify 1'])
    expect((await all.metrics.text()).body).toContain('worker_dlq_writes_total{reason="JOB_FAILED"} 1')
    expect(all.box.blocked).toBeUndefined()
  })

  test('that cannot be written is written again until it can, and everybody is told meanwhile', async () => {
    using all = open()
    all.disk.full = true
    const put = all.box.put(record('1'), never)
    await all.clock.advance(499)
    expect(all.box.blocked).toBe('cannot write dead letters to /somewhere/dlq.jsonl')
    expect(all.events).toEqual(['write 1', 'blocked'])
    await all.clock.advance(1)
    await all.clock.advance(1000)
    await all.clock.advance(60_000)
    expect(all.events.filter((event) => event === 'write 1').length).toBeGreaterThan(6)
    all.disk.full = false
    await all.clock.advance(10_000)
    expect(await put).toBe(true)
    expect(all.events.slice(-3)).toEqual(['write 1', 'free', 'notify 1'])
    expect(all.box.blocked).toBeUndefined()
    expect(all.lines.length).toBe(1)
  })

  test('is one of several that wait: the way is free when the last is written', async () => {
    using all = open()
    all.disk.full = true
    const puts = ['1', '2', '3'].map((id) => all.box.put(record(id), never))
    await all.clock.advance(100)
    all.disk.full = false
    await all.clock.advance(10_000)
    expect(await Promise.all(puts)).toEqual([true, true, true])
    expect(all.events.filter((event) => ['blocked', 'free'].includes(event))).toEqual(['blocked', 'free'])
  })

  test('is given up when the process cannot wait any longer', async () => {
    using all = open()
    all.disk.full = true
    const closing = new AbortController()
    const put = all.box.put(record('1'), closing.signal)
    await all.clock.advance(1000)
    closing.abort()
    expect(await put).toBe(false)
    expect(all.box.blocked).toBeUndefined()
    expect(all.events).not.toContain('notify 1')
    expect(all.clock.pending).toBeLessThanOrEqual(1)
    all.disk.full = false
    expect(await all.box.put(record('2'), closing.signal)).toBe(true)
  })
})
