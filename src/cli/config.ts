import { type EffectiveSetting, effectiveSettings, loadConfig } from '../config/load.ts'
import { oneLine } from '../lib/one-line.ts'
import { type Command, UsageError } from './command.ts'
import { exitCodes } from './exit-code.ts'

export const config: Command = {
  name: 'config',
  operands: '',
  summary: 'Shows the settings in force and where each comes from, secrets redacted.',
  details: `Prints every setting, also when some are wrong; what is wrong follows on standard error, and the exit
code is 2 then.`,
  flags: [{ name: 'json', summary: 'A JSON array of {"variable","value","source","section","summary"}.' }],
  examples: ['beamline config', 'beamline config --json'],
  async run({ operands, has, env, output }) {
    if (operands.length > 0) throw new UsageError('config takes no arguments')
    const settings = effectiveSettings(env)
    const shown = settings.map((setting) => ({ ...setting, value: oneLine(setting.value) }))
    await output.print(has('json') ? JSON.stringify(settings, undefined, 2) : table(shown))
    loadConfig(env)
    return exitCodes.done
  },
}

function table(settings: readonly EffectiveSetting[]): string {
  const width = (of: (setting: EffectiveSetting) => string): number => Math.max(...settings.map((s) => of(s).length))
  const [names, values] = [
    width(({ variable }) => variable),
    Math.min(
      40,
      width(({ value }) => value),
    ),
  ]
  const row = ({ variable, value, source }: EffectiveSetting): string =>
    `${variable.padEnd(names)}  ${(value === '' ? '-' : value).padEnd(values)}  ${source}`
  const sections = [...Map.groupBy(settings, ({ section }) => section)]
  return sections
    .map(([title, list]) => `${title}\n${list.map((setting) => `  ${row(setting)}`).join('\n')}`)
    .join('\n\n')
}
