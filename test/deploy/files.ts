import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { YAML } from 'bun'
import { isJsonObject, type JsonObject } from '../../src/protocol/json.ts'

/** The folder of what is deployed. */
const deployFolder = resolve(import.meta.dir, '../../deploy')

export function textOf(path: string): string {
  return readFileSync(join(deployFolder, path), 'utf8')
}

/** The objects in a file. */
export function yamlOf(path: string): readonly JsonObject[] {
  return textOf(path)
    .split(/^---$/m)
    .map((document) => YAML.parse(document))
    .map((value) => {
      if (!isJsonObject(value)) throw new Error(`${path} holds something that is no object`)
      return value
    })
}

/** The objects of each manifest, by the name of its file. */
export function manifests(): ReadonlyMap<string, JsonObject> {
  const names = readdirSync(join(deployFolder, 'kubernetes')).filter((name) => name.endsWith('.yaml'))
  return new Map(names.flatMap((name) => yamlOf(`kubernetes/${name}`).map((document) => [name, document] as const)))
}

/** The variables that a file of lines NAME=value sets, or would set if they were not commented out. */
export function variablesOf(path: string): { set: Record<string, string>; suggested: readonly string[] } {
  const lines = textOf(path).split('\n')
  const set = lines.flatMap((line) => {
    const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [[name, value ?? ''] as const]
  })
  return {
    set: Object.fromEntries(set),
    suggested: lines.flatMap((line) => /^#([A-Z0-9_]+)=/.exec(line)?.[1] ?? []),
  }
}

/** What is found at the end of these keys; undefined when one of them is not there. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  return keys.reduce<unknown>((inner, key) => {
    if (Array.isArray(inner)) return inner[Number(key)]
    return isJsonObject(inner) ? inner[key] : undefined
  }, value)
}
