import { expect, test } from 'bun:test'
import { parseArguments } from '../../src/cli/arguments.ts'
import { type Command, UsageError } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { commandHelp, programHelp } from '../../src/cli/help.ts'

const command: Command = {
  name: 'send',
  operands: 'FILE',
  summary: 'Sends.',
  details: 'More.',
  flags: [
    { name: 'no-wait', summary: 'Does not wait.' },
    { name: 'timeout', value: 'TIME', summary: 'How long.' },
  ],
  examples: ['beamline send x'],
  run: async () => 0,
}

test('flags and operands in any order', () => {
  const { operands, flags } = parseArguments(command, ['a', '--timeout', '5s', '--no-wait', '-', '--', '--b'])
  expect(operands).toEqual(['a', '-', '--b'])
  expect([...flags]).toEqual([
    ['timeout', '5s'],
    ['no-wait', undefined],
  ])
  expect(parseArguments(command, ['--timeout=5s']).flags.get('timeout')).toBe('5s')
  expect(parseArguments(command, ['-h']).flags.has('help')).toBe(true)
})

test.each([
  [['--timout', '5s'], 'unknown flag --timout for "send"; did you mean --timeout?'],
  [['-x'], 'unknown flag -x for "send"'],
  [['--timeout'], '--timeout needs a value'],
  [['--timeout='], '--timeout needs a value'],
  [['--no-wait=1'], '--no-wait takes no value'],
])('%j is refused', (args, message) => {
  expect(() => parseArguments(command, args)).toThrow(new UsageError(message))
})

test('every command is listed in the help of the program, and its own help shows flags and examples', () => {
  const program = programHelp(commands)
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2
  for (const each of commands) {
    expect(program).toContain(`  ${each.name.padEnd(width)}${each.summary}`)
    const help = commandHelp(each)
    for (const flag of each.flags) expect(help).toContain(`--${flag.name}`)
    for (const example of each.examples) expect(help).toContain(example)
    for (const line of help.split('\n').slice(2)) expect(line.length).toBeLessThanOrEqual(120)
  }
  expect(program).toContain('NATS_URL')
  expect(program).toContain('130')
})
