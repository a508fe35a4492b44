import { expect, test } from 'bun:test'
import { runChild } from './child.ts'

test('a child that ends tells its code and what it printed', async () => {
  const ended = await runChild(['sh', '-c', 'echo out; echo err >&2; exit 3'], { limitMs: 10_000, quiet: true })
  expect(ended).toEqual({ code: 3, output: 'out\nerr\n' })
})

test('a child that overruns its limit is killed with all that it started', async () => {
  // Were the inner process left alive, it would hold the pipe open and this would last a minute.
  const ended = await runChild(['sh', '-c', 'sleep 60 & sleep 60'], { limitMs: 50, quiet: true })
  expect(ended).toEqual({ code: undefined, output: 'sh: stopped after 0.05 s\n' })
})

test('a program that does not exist is no exception', async () => {
  const ended = await runChild(['no-such-program-here'], { limitMs: 1_000, quiet: true })
  expect(ended).toEqual({ code: undefined, output: 'no-such-program-here: not found\n' })
})
