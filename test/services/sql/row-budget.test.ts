import { describe, expect, test } from 'bun:test'
import { RowBudget } from '../../../src/services/sql/row-budget.ts'

const limits = { maxRows: 2, maxBytes: 100 }

describe('where more is an error', () => {
  const budget = () => new RowBudget({ ...limits, truncate: false })

  test('rows and bytes are counted over all statements', () => {
    const one = budget()
    for (let row = 0; row < 2; row++) {
      expect(one.admits(10)).toBe(true)
      expect(one.takes(50)).toBe(true)
    }
    expect(one.rowsLeft).toBe(0)
    expect(() => one.admits(1)).toThrow(
      expect.objectContaining({ code: 'QUOTA_EXCEEDED', details: { limit: 'rows', max: 2 } }),
    )
    const two = budget()
    expect(two.takes(60)).toBe(true)
    expect(() => two.takes(41)).toThrow(
      expect.objectContaining({ code: 'OUTPUT_TOO_LARGE', details: { limit: 'bytes', max: 100 } }),
    )
  })

  test('what comes is refused before it is looked at', () => {
    expect(() => budget().foresee(3, 0)).toThrow(expect.objectContaining({ code: 'QUOTA_EXCEEDED' }))
    expect(() => budget().foresee(1, 201)).toThrow(expect.objectContaining({ code: 'OUTPUT_TOO_LARGE' }))
    expect(() => budget().admits(201)).toThrow(expect.objectContaining({ code: 'OUTPUT_TOO_LARGE' }))
    expect(() => budget().foresee(2, 200)).not.toThrow()
  })
})

test('where less is enough, it says when to stop', () => {
  const budget = new RowBudget({ ...limits, truncate: true })
  budget.foresee(1000, 100_000)
  expect(budget.admits(201)).toBe(false)
  expect(budget.admits(10)).toBe(true)
  expect(budget.takes(101)).toBe(false)
  expect(budget.takes(100)).toBe(true)
  expect(budget.takes(1)).toBe(false)
  expect(budget.rowsLeft).toBe(1)
})
