import { expect, test } from 'bun:test'
import { suggestion } from '../../src/cli/suggestion.ts'

const commands = ['start', 'dev', 'run', 'submit', 'check', 'health', 'config']

test.each([
  ['stat', 'start'],
  ['strat', 'start'],
  ['sumbit', 'submit'],
  ['Check', 'check'],
  ['conf', 'config'],
  ['rnu', 'run'],
  ['helth', 'health'],
])('%s means %s', (written, meant) => {
  expect(suggestion(written, commands)).toBe(meant)
})

test.each(['', 'x', 'replicate', 'deploy'])('"%s" means nothing known', (written) => {
  expect(suggestion(written, commands)).toBeUndefined()
})
