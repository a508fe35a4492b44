/** `headers` of an input. */
import { z } from 'zod'
import { bounded } from './bounded.ts'
import { headerLimits, nameProblem, valueProblem } from './header-rules.ts'
import type { Problem } from './input-error.ts'
import { secretReference } from './secret-value.ts'

const value = z.union([z.string(), z.number(), z.boolean(), secretReference, z.null()], {
  error: 'Not a text, number, boolean, {"secret":"NAME"} or null',
})

/** `headers` of an input. */
export const headersField = bounded(z.record(z.string(), value), { most: 200, what: 'headers' })

type Headers = z.output<typeof headersField>

/** What is wrong with headers that go to this URL. */
export function headerProblems(headers: Headers, url: string): readonly Problem[] {
  const entries = Object.entries(headers)
  const characters = entries.reduce((sum, [name, each]) => sum + name.length + lengthOf(each), 0)
  if (characters > headerLimits.together)
    return [{ path: ['headers'], problem: `At most ${headerLimits.together} characters together` }]
  return [...entries.flatMap(([name, each]) => problemsOf(name, each, url)), ...repeated(Object.keys(headers))]
}

/** The name under which a header is set, in whatever case; undefined when it is not. */
export function headerNamed(headers: Headers | undefined, name: string | undefined): string | undefined {
  const lower = name?.toLowerCase()
  return Object.keys(headers ?? {}).find((given) => given.toLowerCase() === lower && headers?.[given] !== null)
}

function problemsOf(name: string, given: Headers[string], url: string): readonly Problem[] {
  const isHost = name.toLowerCase() === 'host' && typeof given === 'string'
  if (isHost && given.toLowerCase() === URL.parse(url)?.host) return []
  const problem = nameProblem(name) ?? (typeof given === 'string' ? valueProblem(given) : undefined)
  return problem === undefined ? [] : [{ path: ['headers', name], problem }]
}

function repeated(names: readonly string[]): readonly Problem[] {
  const seen = new Set<string>()
  return names.flatMap((name) => {
    const lower = name.toLowerCase()
    if (seen.has(lower)) return [{ path: ['headers', name], problem: 'Stands there twice' }]
    seen.add(lower)
    return []
  })
}

function lengthOf(given: Headers[string]): number {
  return typeof given === 'string' ? given.length : 0
}
