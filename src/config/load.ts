/** From the environment to the settings, or to everything that is wrong with it. */
import { ConfigError } from '../errors.ts'
import { redactText } from '../observe/redact.ts'
import { type Family, isFamily, membersAmong } from './family.ts'
import { withoutUserinfo } from './kinds.ts'
import { type Config, type Sections, sectionTitles, settings } from './schema.ts'
import type { Setting } from './setting.ts'

/** The environment variables, as a process is given them. An empty one counts as unset. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One setting as it is in force. */
export interface EffectiveSetting {
  readonly variable: string
  /** As text; secrets and userinfo are blanked, empty when it is unset and has no default. */
  readonly value: string
  readonly source: 'default' | 'environment'
  readonly section: string
  readonly summary: string
}

/** What could be read of the settings, and what is wrong with the rest. */
export interface ReadConfig {
  /** As in `Sections`, without those that are wrong. */
  readonly values: { readonly [S in keyof Sections]: Partial<Sections[S]> }
  /** Each by the name of its variable, never with a secret. */
  readonly problems: readonly string[]
}

/** Reads all settings. Throws a ConfigError that lists every problem by the name of its variable, never a secret. */
export function loadConfig(env: Environment): Config {
  const { values, problems } = readConfig(env)
  if (problems.length > 0) throw new ConfigError(problems)
  // Whatever could not be read has left a problem.
  const sections = values as Sections
  const { bind, ...http } = sections.http
  return { ...sections, http: { ...http, ...bind } }
}

/** Reads all settings that can be read. */
export function readConfig(env: Environment): ReadConfig {
  const problems: string[] = []
  const read = (setting: Setting<unknown>): unknown => {
    const text = textOf(setting, env)
    if (text === undefined) return undefined
    const parsed = setting.schema.safeParse(text)
    if (parsed.success) return parsed.data
    if (given(setting, env) !== undefined) problems.push(problem(setting, text, parsed.error.issues[0]?.message ?? ''))
    return undefined
  }
  const readNamed = (list: Family): ReadonlyMap<string, unknown> => {
    const groups = Map.groupBy(membersAmong(list, variablesSet(env)), ({ name }) => name)
    const entries = [...groups].map(([name, group]) => {
      const members = group.map(({ member, setting }) => [member, read(setting)] as const)
      return [name, definedOnly(members)] as const
    })
    return new Map(entries)
  }
  const values = Object.entries(settings).map(([section, list]) => {
    const entries = Object.entries<Setting<unknown> | Family>(list).map(
      ([name, entry]) => [name, isFamily(entry) ? readNamed(entry) : read(entry)] as const,
    )
    return [section, definedOnly(entries)] as const
  })
  // The entries come from `settings` itself.
  const sections = Object.fromEntries(values) as ReadConfig['values']
  return { values: sections, problems: [...problems, ...contradictions(env), ...tooSmall(sections)] }
}

/**
 * Every setting with its value and where that comes from, valid or not, in the order of the list; of families, those
 * that are set.
 */
export function effectiveSettings(env: Environment): readonly EffectiveSetting[] {
  const variables = variablesSet(env)
  return listedSettings((family) => membersAmong(family, variables).map(({ setting }) => setting)).map(
    ({ section, setting }) => ({
      variable: setting.variable,
      value: shownValue(setting, env),
      source: given(setting, env) === undefined ? 'default' : 'environment',
      section,
      summary: setting.summary,
    }),
  )
}

interface ListedSetting {
  /** The title of its section. */
  readonly section: string
  readonly setting: Setting<unknown>
}

/** The list of settings, flat; those of families once, with `<NAME>` in their variables. */
export function allSettings(): readonly ListedSetting[] {
  return listedSettings(({ members }) => Object.values(members))
}

function listedSettings(membersOf: (family: Family) => readonly Setting<unknown>[]): readonly ListedSetting[] {
  return Object.entries(settings).flatMap(([section, list]) =>
    Object.values<Setting<unknown> | Family>(list)
      .flatMap((entry) => (isFamily(entry) ? membersOf(entry) : [entry]))
      // Object.entries forgets the names of the keys.
      .map((setting) => ({ section: sectionTitles[section as keyof typeof settings], setting })),
  )
}

function contradictions(env: Environment): readonly string[] {
  const { user, password, tlsCert, tlsKey } = settings.nats
  const problems = [...missing(user, password, env), ...missing(tlsKey, tlsCert, env), ...missing(tlsCert, tlsKey, env)]
  const owners = new Map<string, string>()
  for (const setting of Object.values(settings.subjects)) {
    const value = textOf(setting, env) ?? ''
    const owner = owners.get(value)
    if (owner !== undefined) problems.push(`${setting.variable}: must differ from ${owner}, both are "${value}"`)
    owners.set(value, setting.variable)
  }
  const approval = textOf(settings.subjects.approval, env) ?? ''
  for (const [subject, owner] of owners) {
    if (!subject.startsWith(`${approval}.`)) continue
    problems.push(`${owner}: must not lie below CAF_APPROVAL_SUBJECT, which is "${approval}"`)
  }
  return problems
}

function tooSmall({ deadLetters }: ReadConfig['values']): readonly string[] {
  const { maxBytes = 0, totalMaxBytes = maxBytes } = deadLetters
  if (totalMaxBytes >= maxBytes) return []
  const told = `${totalMaxBytes} bytes are less than ${maxBytes}`
  return [`DLQ_TOTAL_MAX_BYTES: must not be below DLQ_MAX_BYTES, ${told}`]
}

function missing(wanted: Setting<unknown>, by: Setting<unknown>, env: Environment): readonly string[] {
  const lacking = given(by, env) !== undefined && given(wanted, env) === undefined
  return lacking ? [`${wanted.variable}: missing, as ${by.variable} is set`] : []
}

function problem(setting: Setting<unknown>, text: string, message: string): string {
  // A secret may have got into any variable; where one is expected, nothing of a wrong text is told.
  const told = setting.secret || setting.shown ? '' : `, not "${redactText(withoutUserinfo(text).slice(0, 200))}"`
  return `${setting.variable}: ${message}${told}`
}

function shownValue(setting: Setting<unknown>, env: Environment): string {
  const text = given(setting, env)
  if (text === undefined && setting.fallback.kind === 'invented') return setting.fallback.words
  if (setting.secret) return text === undefined ? '' : '[redacted]'
  return (setting.shown ?? redactText)(textOf(setting, env) ?? '')
}

function textOf(setting: Setting<unknown>, env: Environment): string | undefined {
  const { fallback } = setting
  const text = given(setting, env)
  if (text !== undefined || fallback.kind === 'none') return text
  return fallback.kind === 'text' ? fallback.text : fallback.make((variable) => textOfVariable(variable, env))
}

function textOfVariable(variable: string, env: Environment): string {
  const found = allSettings().find(({ setting }) => setting.variable === variable)
  return (found ? textOf(found.setting, env) : textGiven(variable, env)) ?? ''
}

function variablesSet(env: Environment): readonly string[] {
  return Object.keys(env).filter((variable) => textGiven(variable, env) !== undefined)
}

function definedOnly(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

function given(setting: Setting<unknown>, env: Environment): string | undefined {
  return textGiven(setting.variable, env)
}

function textGiven(variable: string, env: Environment): string | undefined {
  const text = env[variable]?.trim()
  return text === '' ? undefined : text
}
