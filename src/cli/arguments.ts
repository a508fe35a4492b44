import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { type Command, type Flag, UsageError } from './command.ts'
import { suggestion } from './suggestion.ts'

/** The arguments of one command, taken apart. */
export interface Arguments {
  readonly operands: readonly string[]
  readonly flags: ReadonlyMap<string, string | undefined>
}

/** Takes the arguments of a command apart. Throws UsageError for a flag it does not have, or that lacks its value. */
export function parseArguments(command: Command, args: readonly string[]): Arguments {
  const known: readonly Flag[] = [...command.flags, { name: 'help', summary: '' }]
  const options: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } }
  for (const { name, value } of command.flags) options[name] = { type: value === undefined ? 'boolean' : 'string' }
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true })
  const operands: string[] = []
  const flags = new Map<string, string | undefined>()
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const flag = known.find(({ name }) => name === token.name)
    if (flag === undefined) throw unknownFlag(command, token.rawName, known)
    flags.set(flag.name, readValue(flag, token.value))
  }
  return { operands, flags }
}

function readValue(flag: Flag, written: string | undefined): string | undefined {
  if (flag.value !== undefined && (written ?? '') === '') throw new UsageError(`--${flag.name} needs a value`)
  if (flag.value === undefined && written !== undefined) throw new UsageError(`--${flag.name} takes no value`)
  return written
}

function unknownFlag(command: Command, written: string, known: readonly Flag[]): UsageError {
  const names = known.map(({ name }) => name)
  const near = suggestion(written.replace(/^-+/, ''), names)
  const hint = near === undefined ? '' : `; did you mean --${near}?`
  return new UsageError(`unknown flag ${written} for "${command.name}"${hint}`)
}
