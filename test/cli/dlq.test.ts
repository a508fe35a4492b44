import { expect, test } from 'bun:test'
import { UsageError } from '../../src/cli/command.ts'
import { dlq } from '../../src/cli/dlq.ts'
import { Ending } from '../../src/cli/ending.ts'
import { fileWorld } from '../dlq/file-world.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { letter } from '../support/letters.ts'
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
  [['show', '01JZ3M1T'], {}, '"01JZ3M1T" is no id'],
  [['purge', '01JZ3M1T8S6Q2V5W7X9Y0ZABCD,01JZ3M1T8S6Q2V5W7X9Y0ZABCE'], { yes: '' }, 'with spaces between'],
  [['list'], { reason: 'NOPE' }, '--reason: expected one or more of PARSE_ERROR'],
  [['list'], { since: 'yesterday' }, '--since: expected a time'],
  [['list'], { limit: '0' }, '--limit: expected whole number'],
  [['list'], { state: 'lost' }, '--state: expected open or begun or replayed'],
] as const)('%p %p is no use', async (operands, flags, words) => {
  const error: unknown = await call(operands, flags).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect(String(error)).toContain(words)
})

test.each([
  ['an interrupt', 0, ['beamline: interrupted']],
  ['a reader who has seen enough', 1, []],
] as const)('%s ends a list, and is no unexpected error', async (_, code, words) => {
  await using world = await fileWorld()
  const store = await world.open()
  await Promise.all(Array.from({ length: 3 }, () => store.write(letter())))
  const [ending, output] = [new Ending(), said()]
  const print = (): Promise<void> => Promise.resolve(ending.request(code))
  const ended = await dlq.run({
    ...{ operands: ['list'], has: () => false, value: () => undefined },
    ...{ env: { DLQ_PATH: world.path }, output: { ...output, print }, ending, clock: new FakeClock() },
  })
  expect({ ended, words: output.stderr }).toEqual({ ended: 1, words: [...words] })
})
