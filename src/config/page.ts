/** The settings in words: for `--help`, and as the page of the documentation that is generated from them. Pure. */
import { allSettings } from './load.ts'
import type { Setting } from './setting.ts'

const helpWidth = 100

/** Every setting with what it accepts and its default, for a terminal. */
export function settingsHelp(): string {
  return bySection()
    .map(({ title, list }) => `${title}\n${list.map(helpEntry).join('\n')}`)
    .join('\n\n')
}

/** The whole text of `docs/configuration.md`. */
export function configurationPage(): string {
  const sections = bySection().map(
    ({ title, list }) =>
      `## ${title}\n\n| variable | accepts | default | |\n|---|---|---|---|\n${list.map(tableRow).join('\n')}\n`,
  )
  return `# Configuration

Generated from the list in \`src/config/schema.ts\` by \`bun test/support/write-docs.ts\`; do not edit.

All settings are environment variables. An empty one counts as unset. Whatever is wrong is reported at start-up, all of it
at once, by the name of its variable, and the process ends with code 2. \`beamline config\` shows what is in force and where
each value comes from, secrets redacted.

Sizes are bytes, or take a unit: \`KB\`, \`MB\`, \`GB\`, \`TB\` are powers of 1000, \`KiB\`, \`MiB\`, \`GiB\`, \`TiB\` of 1024.
Durations are milliseconds, or take a unit: \`ms\`, \`s\`, \`m\`, \`h\`, \`d\`.

${sections.join('\n')}`
}

interface SettingsSection {
  readonly title: string
  readonly list: readonly Setting<unknown>[]
}

function bySection(): readonly SettingsSection[] {
  const sections = Map.groupBy(allSettings(), ({ section }) => section)
  return [...sections].map(([title, entries]) => ({ title, list: entries.map(({ setting }) => setting) }))
}

function helpEntry(setting: Setting<unknown>): string {
  const unset = defaultWords(setting)
  const accepts = `${setting.accepts}${unset === '' ? '' : `; default ${unset}`}`
  return `  ${setting.variable}\n${wrapped(setting.summary)}\n${wrapped(`(${accepts})`)}`
}

function tableRow(setting: Setting<unknown>): string {
  const { fallback } = setting
  const words = defaultWords(setting)
  const unset = fallback.kind === 'text' && words !== '' ? `\`${words}\`` : words
  const note = setting.secret ? ' Secret.' : ''
  return `| \`${setting.variable}\` | ${cell(setting.accepts)} | ${cell(unset) || 'none'} | ${cell(setting.summary)}${note} |`
}

function defaultWords({ fallback }: Setting<unknown>): string {
  if (fallback.kind === 'none') return ''
  return fallback.kind === 'text' ? fallback.text : fallback.words
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function wrapped(text: string): string {
  const indent = '      '
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > helpWidth) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line].join('\n')
}
