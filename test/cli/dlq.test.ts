import { expect, test } from 'bun:test'
import { UsageError } from '../../src/cli/command.ts'
import { dlq } from '../../src/cli/dlq.ts'
import { Ending } from '../../src/cli/ending.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { said } from '../support/said.ts'

/** Calls it as it must not be called: nothing is opened. */
function call(operands: readonly string[], flags: Readonly<Record<string, string>> = {}): Promise<number> {
  return dlq.run({
    operands,
    has: (flag) => flags[flag] !== undefined,
    value: (flag) => flags[flag],
    env: { DLQ_PATH: '/nowhere/at/all' },
    output: said(),
    ending: new Ending(),
    clock: new FakeClock(),
  })
}

test.each([
  [[], {}, 'one of list, show, replay, purge'],
  [['remove'], {}, 'one of'],
  [['list', 'ID'], {}, 'takes no id'],
  [['show'], {}, 'needs one id'],
  [['show', 'a', 'b'], {}, 'needs one id'],
  [['list'], { force: '' }, 'list takes no --force'],
  [['show', 'a'], { since: '1h' }, 'show takes no --since'],
  [['replay'], { yes: '' }, 'replay takes no --yes'],
  [['purge'], { force: '' }, 'purge takes no --force'],
  [['list'], { reason: 'NOPE' }, '--reason: expected one or more of PARSE_ERROR'],
  [['list'], { since: 'yesterday' }, '--since: expected a time'],
  [['list'], { limit: '0' }, '--limit: expected whole number'],
  [['list'], { state: 'lost' }, '--state: expected open or begun or replayed'],
] as const)('%p %p is no use', async (operands, flags, words) => {
  const error: unknown = await call(operands, flags).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(String(error)).toContain(words)
})
