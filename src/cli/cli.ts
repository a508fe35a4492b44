/** From the command line to a command, and from however it ends to an exit code. */
import type { Environment } from '../config/load.ts'
import { ConfigError } from '../errors.ts'
import { buildInfo } from '../lib/build-info.ts'
import { systemClock } from '../lib/clock.ts'
import { oneLine } from '../lib/one-line.ts'
import { parseArguments } from './arguments.ts'
import { UsageError } from './command.ts'
import { commands } from './commands.ts'
import type { Ending } from './ending.ts'
import { exitCodes } from './exit-code.ts'
import { commandHelp, programHelp } from './help.ts'
import { type Output, processOutput } from './output.ts'
import { start } from './start.ts'
import { suggestion } from './suggestion.ts'

interface CliOptions {
  /** What follows the name of the program. */
  readonly args: readonly string[]
  readonly env: Environment
  readonly ending: Ending
}

/** Does what the command line says and resolves to the exit code. Never rejects. */
export async function runCli({ args, env, ending }: CliOptions): Promise<number> {
  const output = processOutput(systemClock, () => ending.request(exitCodes.failed))
  ending.onCrash((error) => output.complain(`beamline: unexpected error: ${describe(error)}`))
  const code = await dispatch(args, { env, ending, output }).catch((error: unknown) => report(error, output))
  output.progress('')
  await output.flush()
  return ending.code || code
}

async function dispatch(args: readonly string[], parts: Pick<CliOptions, 'env' | 'ending'> & { output: Output }) {
  const { output } = parts
  const [name = start.name, ...rest] = args
  if (['--help', '-h'].includes(name) || (name === 'help' && rest.length === 0)) {
    await output.print(programHelp(commands))
    return exitCodes.done
  }
  if (['--version', '-v', '-V', 'version'].includes(name)) {
    await output.print(`beamline ${buildInfo.version} (commit ${buildInfo.commit}, Bun ${buildInfo.bun})`)
    return exitCodes.done
  }
  const asked = name === 'help'
  const command = find(asked ? (rest[0] ?? '') : name)
  const { operands, flags } = parseArguments(command, asked ? [] : rest)
  if (asked || flags.has('help')) {
    await output.print(commandHelp(command))
    return exitCodes.done
  }
  const has = (flag: string): boolean => flags.has(flag)
  const value = (flag: string): string | undefined => flags.get(flag)
  return command.run({ ...parts, operands, has, value, clock: systemClock })
}

function find(name: string) {
  const command = commands.find((each) => each.name === name)
  if (command !== undefined) return command
  const near = suggestion(
    name,
    commands.map((each) => each.name),
  )
  const hint = near === undefined ? 'beamline --help lists them' : `did you mean "${near}"?`
  throw new UsageError(`unknown ${name.startsWith('-') ? 'flag' : 'command'} "${name}"; ${hint}`)
}

function report(error: unknown, output: Output): number {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) output.complain(oneLine(problem))
    return exitCodes.usage
  }
  if (error instanceof UsageError) {
    output.complain(`beamline: ${oneLine(error.message)}`)
    return exitCodes.usage
  }
  output.complain(`beamline: unexpected error: ${describe(error)}`)
  return exitCodes.failed
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
