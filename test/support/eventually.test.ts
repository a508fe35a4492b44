import { expect, test } from 'bun:test'
import { eventually } from './eventually.ts'

test('asks until the answer is truthy, over what throws', async () => {
  let asked = 0
  const answer = await eventually(
    () => {
      asked++
      if (asked === 1) throw new Error('not yet')
      return asked === 3 ? 'here' : undefined
    },
    { everyMs: 1 },
  )
  expect([answer, asked]).toEqual(['here', 3])
})

test('gives up at the limit, with the last error as cause', async () => {
  const reason = new Error('never')
  const failure: unknown = await eventually(() => Promise.reject(reason), { timeoutMs: 5, everyMs: 1 }).catch(
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(Error)
  expect(failure).toHaveProperty('cause', reason)
})
