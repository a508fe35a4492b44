import { describe, expect, test } from 'bun:test'
import { HeldJobs } from '../../src/worker/status.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { makeJob } from './make-job.ts'

const clock = new FakeClock()

describe('a job that is told to stop', () => {
  test('stays cancelled when the worker stops too, and becomes cancelled when it was only interrupted', () => {
    const job = makeJob({ clock })
    job.stop('interrupted')
    expect(job.stopped).toBe('interrupted')
    job.stop('cancelled')
    job.stop('interrupted')
    job.stopSoon('interrupted')
    expect(job.stopped).toBe('cancelled')
  })

  test('soon tells nobody yet', () => {
    const job = makeJob({ clock })
    const told: string[] = []
    job.onStop((why) => told.push(why))
    job.stopSoon('interrupted')
    expect([job.stopped, told]).toEqual(['interrupted', []])
    job.stop('interrupted')
    expect(told).toEqual(['interrupted'])
  })
})

describe('the held jobs', () => {
  test('forget a job, but not another one that has taken its place', () => {
    const held = new HeldJobs()
    const [before, after] = [1, 2].map(() => makeJob({ clock, fields: { assignment_id: 'same' } }))
    if (before === undefined || after === undefined) throw new Error('two jobs')
    held.add(before)
    held.remove(before)
    expect(held.find(before.key)).toBeUndefined()
    held.add(after)
    held.remove(before)
    expect(held.find(before.key)).toBe(after)
    expect([...held]).toEqual([after])
  })
})
