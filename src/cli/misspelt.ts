/** Variables that look like settings and are none: a policy that is misspelt is not in force, and nobody would notice. */
import { type Environment, effectiveSettings } from '../config/load.ts'
import { distance } from './suggestion.ts'

/** All that begins so is meant for us; elsewhere only what is nearly the name of a setting. */
const ours = /^EGRESS_/i

const nearest = 2
/** Shorter names are near to one another by chance. */
const shortest = 8

/** One sentence for each, naming what was probably meant. Values are not looked at. */
export function misspeltSettings(env: Environment): readonly string[] {
  const known = effectiveSettings(env).map(({ variable }) => variable)
  return Object.keys(env)
    .filter((name) => !known.includes(name) && !/[<>]/.test(name))
    .flatMap((name) => {
      const meant = nearName(name, known)
      if (meant === undefined && !ours.test(name)) return []
      return [`${name} is no setting and has no effect${meant === undefined ? '' : `; did you mean ${meant}?`}`]
    })
}

function nearName(name: string, known: readonly string[]): string | undefined {
  const upper = name.toUpperCase()
  if (name.length < shortest) return undefined
  // The rest of such a name is the caller's own.
  if (/^(SECRET|SQL_CONNECTION)_./.test(upper)) return name === upper ? undefined : upper
  return known.find((other) => distance(upper, other) <= nearest)
}
