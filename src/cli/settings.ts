import type { EffectiveSetting, Environment } from '../config/load.ts'

/** The settings that differ from their defaults, redacted, by variable. */
export function givenSettings(settings: readonly EffectiveSetting[]): Readonly<Record<string, string>> {
  const given = settings.filter(({ source }) => source === 'environment')
  return Object.fromEntries(given.map(({ variable, value }) => [variable, value]))
}

/** The environment with values for variables that it leaves unset or empty. */
export function withDefaults(env: Environment, defaults: Environment): Environment {
  const unset = Object.entries(defaults).filter(([variable]) => (env[variable]?.trim() ?? '') === '')
  return { ...env, ...Object.fromEntries(unset) }
}
