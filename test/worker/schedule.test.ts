import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Pool } from '../../src/handler.ts'
import { type Limits, type Schedulable, Schedule } from '../../src/worker/schedule.ts'

interface Waiting extends Schedulable {
  readonly name: string
}

const ample: Limits = { total: 1000, pools: { cpu: 1000, io: 1000 }, perTenant: undefined }

function job(name: string, fields: Partial<Schedulable> = {}): Waiting {
  const own = { tenantId: 'a', priority: 50, receivedAt: 0, deadlineAt: undefined, cost: 10, pool: 'io' as const }
  return { ...own, name, ...fields }
}

function scheduleOf(jobs: Iterable<Waiting>, limits: Partial<Limits> = {}): Schedule<Waiting> {
  const schedule = new Schedule<Waiting>({ ...ample, ...limits })
  for (const each of jobs) schedule.add(each)
  return schedule
}

function many(count: number, name: string, fields: Partial<Schedulable> = {}): Waiting[] {
  return Array.from({ length: count }, (_, index) => job(`${name}${index}`, { receivedAt: index, ...fields }))
}

function started(schedule: Schedule<Waiting>): Waiting[] {
  const jobs: Waiting[] = []
  for (let next = schedule.next(); next !== undefined; next = schedule.next()) jobs.push(next)
  return jobs
}

function expectWithin(limits: Limits, running: readonly Waiting[]): void {
  expect(running.length).toBeLessThanOrEqual(limits.total)
  for (const pool of ['cpu', 'io'] as const) {
    expect(running.filter((each) => each.pool === pool).length).toBeLessThanOrEqual(limits.pools[pool])
  }
  for (const { tenantId } of running) {
    const own = running.filter((each) => each.tenantId === tenantId).length
    expect(own).toBeLessThanOrEqual(limits.perTenant ?? Number.POSITIVE_INFINITY)
  }
}

describe('limits', () => {
  test('no more run than there are slots, and a released slot is taken again', () => {
    const schedule = scheduleOf(many(5, 'j'), { total: 2 })
    const [first] = started(schedule)
    expect([schedule.running, schedule.waiting]).toEqual([2, 3])
    if (first) schedule.release(first)
    expect(schedule.running).toBe(1)
    expect(started(schedule).length).toBe(1)
  })

  test('each pool has its own, inside the total', () => {
    const schedule = scheduleOf([...many(9, 'c', { pool: 'cpu' }), ...many(9, 'i')], {
      total: 5,
      pools: { cpu: 2, io: 4 },
    })
    const pools = started(schedule).map(({ pool }) => pool)
    expect(pools.length).toBe(5)
    expect(pools.filter((pool) => pool === 'cpu').length).toBe(2)
    expect([schedule.depth('cpu'), schedule.depth('io')]).toEqual([7, 6])
  })

  test('a full pool does not hold up the other, and neither starves the other of shared slots', () => {
    const full = scheduleOf([...many(9, 'c', { pool: 'cpu' }), job('i')], { total: 9, pools: { cpu: 1, io: 9 } })
    expect(
      started(full)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['c0', 'i'])
    const shared = scheduleOf([...many(20, 'c', { pool: 'cpu' }), ...many(20, 'i')], { total: 1 })
    const order: Pool[] = []
    for (let next = shared.next(); next !== undefined; next = shared.next()) {
      order.push(next.pool)
      shared.release(next)
    }
    for (let turn = 0; turn < 40; turn += 2) expect(order.slice(turn, turn + 2).sort()).toEqual(['cpu', 'io'])
  })

  test('a tenant stays under its cap over both pools while others go on', () => {
    const jobs = [...many(5, 'c', { pool: 'cpu' }), ...many(5, 'i'), ...many(5, 'b', { tenantId: 'b' })]
    const schedule = scheduleOf(jobs, { perTenant: 3 })
    const first = started(schedule)
    expect(first.filter(({ tenantId }) => tenantId === 'a').length).toBe(3)
    expect(first.filter(({ tenantId }) => tenantId === 'b').length).toBe(3)
    const done = first.find(({ tenantId }) => tenantId === 'a')
    if (done) schedule.release(done)
    expect(started(schedule).map(({ tenantId }) => tenantId)).toEqual(['a'])
  })

  test('hold at every moment, and everything runs exactly once', () => {
    const someJob = fc.record({
      name: fc.uuid(),
      tenantId: fc.constantFrom('a', 'b', 'c'),
      pool: fc.constantFrom<Pool>('cpu', 'io'),
      priority: fc.nat(100),
      receivedAt: fc.nat(10_000),
      deadlineAt: fc.constant(undefined),
      cost: fc.double({ min: 1, max: 1000, noNaN: true }),
    })
    const someLimits = fc.record({
      total: fc.integer({ min: 1, max: 6 }),
      pools: fc.record({ cpu: fc.integer({ min: 1, max: 4 }), io: fc.integer({ min: 1, max: 4 }) }),
      perTenant: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(someJob, { maxLength: 80 }), someLimits, fc.array(fc.nat(5)), (jobs, limits, picks) => {
        const schedule = scheduleOf(jobs, limits)
        const running: Waiting[] = []
        const seen: Waiting[] = []
        for (let step = 0; seen.length < jobs.length || running.length > 0; step++) {
          const fresh = started(schedule)
          seen.push(...fresh)
          running.push(...fresh)
          expect(schedule.running).toBe(running.length)
          expectWithin(limits, running)
          // Nothing stands still: as long as something waits, something runs.
          expect(running.length).toBeGreaterThan(0)
          const [done] = running.splice((picks[step] ?? 0) % running.length, 1)
          if (done) schedule.release(done)
        }
        expect(new Set(seen).size).toBe(jobs.length)
        expect(schedule.waiting).toBe(0)
      }),
    )
  })

  test('a job taken out before its turn does not run', () => {
    const [first, second] = many(2, 'j')
    if (!first || !second) throw new Error('two jobs')
    const schedule = scheduleOf([first, second])
    expect(schedule.remove(first)).toBe(true)
    expect(schedule.remove(first)).toBe(false)
    expect(started(schedule)).toEqual([second])
    expect(schedule.remove(second)).toBe(false)
  })
})

describe('room in a full queue', () => {
  test('the newest job of the fullest tenant makes room for a tenant below its share', () => {
    const schedule = scheduleOf([...many(7, 'a'), ...many(3, 'b', { tenantId: 'b' })])
    expect(schedule.makesRoomFor('c', 10)?.name).toBe('a6')
    expect(schedule.makesRoomFor('b', 10)?.name).toBe('a6')
  })

  test('a tenant with its share is refused, and so is the fullest', () => {
    const schedule = scheduleOf([...many(5, 'a'), ...many(5, 'b', { tenantId: 'b' })])
    expect(schedule.makesRoomFor('a', 10)).toBeUndefined()
    expect(schedule.makesRoomFor('b', 10)).toBeUndefined()
    const alone = scheduleOf(many(10, 'a'))
    expect(alone.makesRoomFor('a', 10)).toBeUndefined()
  })

  test('whoever floods, every tenant gets its equal share in the end', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 200, maxLength: 400 }), (arrivals) => {
        const capacity = 20
        const schedule = scheduleOf([])
        const waiting = (tenant: string): number =>
          [...schedule.jobs()].filter(({ tenantId }) => tenantId === tenant).length
        for (const [index, tenantId] of [...Array<string>(100).fill('a'), ...arrivals].entries()) {
          const arrived = job(`j${index}`, { tenantId, receivedAt: index })
          if (schedule.waiting >= capacity) {
            const victim = schedule.makesRoomFor(tenantId, capacity)
            if (victim === undefined) continue
            expect(schedule.remove(victim)).toBe(true)
          }
          schedule.add(arrived)
          expect(schedule.waiting).toBeLessThanOrEqual(capacity)
        }
        const tenants = [...new Set(['a', ...arrivals])]
        for (const tenant of tenants) {
          const asked = arrivals.filter((each) => each === tenant).length
          expect(waiting(tenant)).toBeGreaterThanOrEqual(Math.min(asked, Math.floor(capacity / tenants.length)))
        }
      }),
    )
  })
})
