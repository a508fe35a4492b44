import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { FairQueue, type Queued } from '../../src/worker/fair-queue.ts'

interface Waiting extends Queued {
  readonly name: string
}

function job(name: string, fields: Partial<Queued> = {}): Waiting {
  const own = { tenantId: 'a', priority: 50, receivedAt: 0, deadlineAt: undefined, cost: 10 }
  return { ...own, name, ...fields }
}

function queueOf(jobs: Iterable<Waiting>): FairQueue<Waiting> {
  const queue = new FairQueue<Waiting>()
  for (const each of jobs) queue.add(each)
  return queue
}

function served(queue: FairQueue<Waiting>, most = Number.POSITIVE_INFINITY): Waiting[] {
  const jobs: Waiting[] = []
  while (jobs.length < most) {
    const next = queue.next(() => true)
    if (next === undefined) break
    jobs.push(next)
  }
  return jobs
}

function names(jobs: readonly Waiting[]): string {
  return jobs.map(({ name }) => name).join(' ')
}

function many(count: number, name: string, fields: Partial<Queued> = {}): Waiting[] {
  return Array.from({ length: count }, (_, index) => job(`${name}${index}`, { receivedAt: index / 1000, ...fields }))
}

const arbitraryJob = fc.record({
  name: fc.uuid(),
  tenantId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  priority: fc.integer({ min: 0, max: 100 }),
  receivedAt: fc.nat(200_000),
  deadlineAt: fc.option(fc.nat(200_000), { nil: undefined }),
  cost: fc.double({ min: 1, max: 10_000, noNaN: true }),
})

describe('inside a tenant', () => {
  test('the higher priority goes first', () => {
    expect(names(served(queueOf([job('low', { priority: 20 }), job('high', { priority: 80 }), job('mid')])))).toBe(
      'high mid low',
    )
  })

  test('a priority ages by one point a second, so that nothing waits for ever', () => {
    const old = job('old', { priority: 0, receivedAt: 0 })
    const fresh = (atMs: number): Waiting => job('fresh', { priority: 100, receivedAt: atMs })
    expect(names(served(queueOf([old, fresh(99_000)])))).toBe('fresh old')
    expect(names(served(queueOf([fresh(101_000), old])))).toBe('old fresh')
  })

  test('of equal priority the earlier deadline goes first, none last, then the earlier receipt', () => {
    const jobs = [
      job('never', { receivedAt: 0 }),
      job('late', { receivedAt: 1, deadlineAt: 900 }),
      job('soon', { receivedAt: 3, deadlineAt: 500 }),
      job('second', { receivedAt: 4, deadlineAt: 900 }),
      job('never-2', { receivedAt: 2 }),
    ]
    expect(names(served(queueOf(jobs)))).toBe('soon late second never never-2')
  })
})

describe('between tenants', () => {
  test.each([10, 25, 10_000])('tenants with jobs of an equal cost of %i ms alternate', (cost) => {
    const queue = queueOf([...many(50, 'a', { cost }), ...many(50, 'b', { tenantId: 'b', cost })])
    const tenants = served(queue).map(({ tenantId }) => tenantId)
    for (let turn = 0; turn < 100; turn += 2) expect(tenants.slice(turn, turn + 2).sort()).toEqual(['a', 'b'])
  })

  test('ten jobs among a flood of ten thousand each wait for about one other', () => {
    const queue = queueOf(many(10_000, 'flood', { cost: 20 }))
    served(queue, 3000)
    for (const each of many(10, 'few', { tenantId: 'b', cost: 20 })) queue.add(each)
    const order = served(queue, 30)
    const places = order.flatMap(({ tenantId }, index) => (tenantId === 'b' ? [index] : []))
    expect(places.length).toBe(10)
    for (const [index, place] of places.entries()) expect(place).toBeLessThanOrEqual(2 * (index + 1))
  })

  test('a tenant of long jobs gets as much slot time as one of short jobs', () => {
    const queue = queueOf([...many(100, 'long', { cost: 100 }), ...many(2000, 'short', { tenantId: 'b', cost: 5 })])
    const spent = { a: 0, b: 0 }
    for (const { tenantId, cost } of served(queue, 400)) spent[tenantId === 'a' ? 'a' : 'b'] += cost
    expect(Math.abs(spent.a - spent.b)).toBeLessThanOrEqual(200)
  })

  test('one that may not run now is passed over, and keeps its turn', () => {
    const queue = queueOf([...many(2, 'a'), ...many(2, 'b', { tenantId: 'b' })])
    expect(queue.next((tenant) => tenant !== 'a')?.tenantId).toBe('b')
    expect(queue.next((tenant) => tenant !== 'a')?.tenantId).toBe('b')
    expect(queue.next((tenant) => tenant !== 'a')).toBeUndefined()
    expect(queue.size).toBe(2)
    expect(names(served(queue))).toBe('a0 a1')
  })

  test('who was idle has saved up nothing', () => {
    const queue = queueOf(many(100, 'a'))
    queue.add(job('b0', { tenantId: 'b' }))
    served(queue, 20)
    for (const each of many(20, 'b', { tenantId: 'b' })) queue.add(each)
    const tenants = served(queue, 20).map(({ tenantId }) => tenantId)
    expect(tenants.filter((tenant) => tenant === 'b').length).toBeLessThanOrEqual(11)
  })
})

describe('whatever waits', () => {
  test('nothing is lost and nothing is served twice', () => {
    fc.assert(
      fc.property(fc.array(arbitraryJob, { maxLength: 120 }), fc.array(fc.nat(119)), (jobs, taken) => {
        const queue = queueOf(jobs)
        expect(queue.size).toBe(jobs.length)
        expect(new Set(queue.jobs())).toEqual(new Set(jobs))
        const removed = new Set(taken.flatMap((index) => jobs[index] ?? []))
        for (const each of removed) expect(queue.remove(each)).toBe(true)
        for (const each of removed) expect(queue.remove(each)).toBe(false)
        const out = served(queue)
        expect(new Set(out).size).toBe(out.length)
        expect(new Set([...out, ...removed])).toEqual(new Set(jobs))
        expect(queue.size).toBe(0)
        expect(queue.next(() => true)).toBeUndefined()
      }),
    )
  })

  test('a tenant gets its jobs in their order', () => {
    fc.assert(
      fc.property(fc.array(arbitraryJob, { maxLength: 80 }), (jobs) => {
        for (const tenant of ['a', 'b', 'c']) {
          const alone = names(served(queueOf(jobs.filter(({ tenantId }) => tenantId === tenant))))
          const among = served(queueOf(jobs)).filter(({ tenantId }) => tenantId === tenant)
          // Jobs that compare equal may come in any order.
          expect(ranks(among)).toEqual(ranks(served(queueOf(among))))
          expect(among.length).toBe(alone === '' ? 0 : alone.split(' ').length)
        }
      }),
    )
  })

  test('no tenant starves: the time served before a waiting tenant is bounded by the largest costs', () => {
    fc.assert(
      fc.property(fc.array(arbitraryJob, { minLength: 1, maxLength: 120 }), (jobs) => {
        const queue = queueOf(jobs)
        const waiting = new Map<string, Map<string, number>>()
        const largest = Math.max(...jobs.map(({ cost }) => cost))
        for (let next = queue.next(() => true); next !== undefined; next = queue.next(() => true)) {
          waiting.delete(next.tenantId)
          for (const tenant of new Set([...queue.jobs()].map(({ tenantId }) => tenantId))) {
            if (tenant === next.tenantId) continue
            const others = waiting.get(tenant) ?? new Map<string, number>()
            waiting.set(tenant, others)
            const time = (others.get(next.tenantId) ?? 0) + next.cost
            others.set(next.tenantId, time)
            // One largest job of its own to save up for, one of the other's, and the granularity of a round.
            expect(time).toBeLessThanOrEqual(2 * largest + 20)
          }
        }
      }),
    )
  })

  test('an endless stream of new tenants does not keep an old one waiting', () => {
    const queue = queueOf([job('patient', { tenantId: 'patient', cost: 10_000 })])
    let turns = 0
    for (; turns < 10_000; turns++) {
      queue.add(job(`new${turns}`, { tenantId: `t${turns}`, cost: 10 }))
      if (queue.next(() => true)?.name === 'patient') break
    }
    expect(turns).toBeLessThan(2000)
  })
})

function ranks(jobs: readonly Waiting[]): readonly unknown[] {
  return jobs.map(({ priority, receivedAt, deadlineAt }) => [
    Math.floor(receivedAt / 1000) - priority,
    deadlineAt,
    receivedAt,
  ])
}
