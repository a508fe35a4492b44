/** What `check` says of the secrets that jobs may name. */
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import { shortestSecret } from '../lib/secret-set.ts'
import { readSecret, secretsIn } from '../services/secrets/secret-folder.ts'
import { variableName } from '../services/secrets/secret-name.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** Nothing where there are none; else what is wrong with them, and how many can be used. Shows no value. */
export async function secretFindings({ dir, named }: Config['secrets']): Promise<readonly Finding[]> {
  let files: readonly string[] = []
  try {
    files = dir === undefined ? [] : await secretsIn(dir)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => fail('secrets', problem))
  }
  const looked = await Promise.all(files.map(async (file) => ({ file, fault: await faultOf(dir ?? '', file) })))
  const bad = looked.flatMap(({ file, fault }) => (fault === undefined ? [] : [warn('secrets', `${file} ${fault}`)]))
  const good = looked.filter(({ fault }) => fault === undefined).map(({ file }) => file)
  const inVariables = [...named].filter(([, { value }]) => value !== undefined).map(([name]) => name)
  const names = [...new Set([...inVariables, ...good.map(variableName)])]
  const present = new Set([...names, ...files.map(variableName)])
  const unsent = names.filter((name) => named.get(name)?.hosts === undefined)
  const rules = [...named].filter(([, { hosts, tenants }]) => hosts !== undefined || tenants !== undefined)
  const findings = [
    ...bad,
    ...unsent.map((name) =>
      warn('secrets', `${name} can be used nowhere; set SECRET_${name}_HOSTS, or leave it if it is not meant for jobs`),
    ),
    ...rules
      .filter(([name]) => !present.has(name))
      .map(([name]) => warn('secrets', `${name} is not there; set SECRET_${name}, or put its file into SECRETS_DIR`)),
  ]
  const usable = names.length - unsent.length
  return usable === 0 ? findings : [ok('secrets', `jobs may use ${usable}`), ...findings]
}

async function faultOf(folder: string, name: string): Promise<string | undefined> {
  const found = await readSecret(folder, name)
  if (found === 'missing') return 'is empty or leads nowhere; jobs that name it fail'
  if (found === 'unreadable') return 'is no readable UTF-8 file of at most 64 KB; jobs that name it fail'
  if (found.text.length < shortestSecret) return `is shorter than ${shortestSecret} characters; jobs that name it fail`
  // Such a value fits into a query or a form, but into no header.
  return /\p{Cc}/u.test(found.text) ? 'has a line break or control character inside; no header can hold it' : undefined
}
