import { expect, test } from 'bun:test'
import { Costs } from '../../src/worker/cost.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('an unknown job is expected to take a whole turn', () => {
  expect(new Costs(new FakeClock()).expected('acme', 'echo')).toBe(10)
})

test('what a tenant is expected to take follows what its jobs of a type took', () => {
  const costs = new Costs(new FakeClock())
  costs.observe('acme', 'sleep', 100)
  expect(costs.expected('acme', 'sleep')).toBe(100)
  costs.observe('acme', 'sleep', 200)
  expect(costs.expected('acme', 'sleep')).toBeCloseTo(120)
  for (let times = 0; times < 50; times++) costs.observe('acme', 'sleep', 200)
  expect(costs.expected('acme', 'sleep')).toBeCloseTo(200, 0)
  expect(costs.expected('acme', 'echo')).toBe(10)
  expect(costs.expected('other', 'sleep')).toBe(10)
})

test('it is never nothing and never beyond ten seconds', () => {
  const costs = new Costs(new FakeClock())
  costs.observe('acme', 'echo', 0)
  costs.observe('acme', 'http', 3_600_000)
  expect(costs.expected('acme', 'echo')).toBe(1)
  expect(costs.expected('acme', 'http')).toBe(10_000)
})
