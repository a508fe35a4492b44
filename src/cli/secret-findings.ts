/** What `check` says of the secrets that jobs may name. */
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import { secretsIn } from '../services/secrets/secret-folder.ts'
import { variableName } from '../services/secrets/secret-name.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** Nothing where there are none; else what is wrong with them, or how many there are. Reads no value. */
export async function secretFindings({ dir, named }: Config['secrets']): Promise<readonly Finding[]> {
  let files: readonly string[] = []
  try {
    files = dir === undefined ? [] : await secretsIn(dir)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => fail('secrets', problem))
  }
  const given = [...named].filter(([, { value }]) => value !== undefined).map(([name]) => name)
  const present = new Set([...given, ...files.map(variableName)])
  const absent = [...named.keys()].filter((name) => !present.has(name))
  const hasHosts = (name: string): boolean => named.get(name)?.hosts !== undefined
  const usable = [...present].filter(hasHosts)
  const useless = [...present].filter((name) => !hasHosts(name))
  return [
    ...(usable.length === 0 ? [] : [ok('secrets', `jobs may use ${usable.length}`)]),
    ...useless.map((name) =>
      warn('secrets', `${name} can be used nowhere; set SECRET_${name}_HOSTS, or leave it if it is not meant for jobs`),
    ),
    ...absent.map((name) =>
      warn('secrets', `${name} is not there; set SECRET_${name}, or put its file into SECRETS_DIR`),
    ),
  ]
}
