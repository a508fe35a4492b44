/** The words of `--help`. Pure. */
import { settingsHelp } from '../config/page.ts'
import type { Command } from './command.ts'

/** What `beamline --help` says. */
export function programHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`)
  return `Beamline takes jobs from NATS, runs them and reports their results; it loses none.
It is set up by environment variables only, and "beamline dev" needs none of them.

Usage: beamline [COMMAND] [FLAGS]

Commands (without one, start):
${list.join('\n')}

  COMMAND --help    says more about a command and shows examples
  --version         prints the version, the commit and the runtime

Exit codes:
  0    done, or drained after SIGTERM or SIGINT
  1    a job or a check failed
  2    usage or settings are wrong, or the port is in use
  3    a server cannot be reached (start waits for it instead)
  75   WORKER_MAX_RSS was reached
  130  a second interrupt

Settings, all of them environment variables ("beamline config" shows what is in force):

${settingsHelp()}`
}

/** What `beamline COMMAND --help` says. */
export function commandHelp({ name, operands, summary, details, flags, examples }: Command): string {
  const shown = [...flags, { name: 'help', summary: 'Shows this.' }].map((flag) => ({
    text: 'value' in flag ? `--${flag.name} ${flag.value}` : `--${flag.name}`,
    summary: flag.summary,
  }))
  const width = Math.max(...shown.map(({ text }) => text.length)) + 2
  const usage = ['beamline', name, operands, flags.length > 0 ? '[FLAGS]' : ''].filter((part) => part !== '').join(' ')
  return `${summary}

Usage: ${usage}

${details}

Flags:
${shown.map(({ text, summary: words }) => `  ${text.padEnd(width)}${words}`).join('\n')}

Examples:
${examples.map((example) => `  ${example}`).join('\n')}

"beamline --help" lists the settings (environment variables) and the exit codes.`
}
