/** The compliance files of the specification, answered at once and by a thread. */
import { afterAll, describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { JobError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { type Jmespath, openJmespath } from '../../../src/services/jmespath/jmespath.ts'
import { ScriptThreadPool } from '../../../src/services/threads/script-thread-pool.ts'

interface Suite {
  readonly given: unknown
  readonly cases: readonly { readonly expression: string; readonly result?: unknown; readonly error?: string }[]
}

const folder = resolve(import.meta.dir, '../../golden/jmespath')
const cases = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) =>
    // The files have this shape; a case without it would fail.
    (JSON.parse(readFileSync(join(folder, name), 'utf8')) as readonly Suite[]).flatMap(({ given, cases }) =>
      cases.map((each) => ({ name, given, ...each })),
    ),
  )

/** Found before anything runs, or only with data. */
const codeOf: Readonly<Record<string, string>> = {
  syntax: 'JMESPATH_COMPILE_ERROR',
  'unknown-function': 'JMESPATH_COMPILE_ERROR',
  'invalid-arity': 'JMESPATH_COMPILE_ERROR',
  'invalid-type': 'JMESPATH_RUNTIME_ERROR',
  'invalid-value': 'JMESPATH_RUNTIME_ERROR',
}

const threads = new ScriptThreadPool({ size: 2, clock: systemClock })
afterAll(() => threads[Symbol.asyncDispose]())
const { signal } = new AbortController()

async function failures(jmespath: Jmespath) {
  const wrong: unknown[] = []
  for (const { name, given, expression, result, error } of cases) {
    const text = JSON.stringify(given)
    const answer = await jmespath.search(expression, given, signal).then(
      (value) => ({ value }),
      (thrown: unknown) => ({ code: JobError.from(thrown).code, details: JobError.from(thrown).details }),
    )
    const isRight =
      'code' in answer
        ? answer.code === codeOf[error ?? '']
        : error === undefined && Bun.deepEquals(answer.value, result)
    if (!isRight || JSON.stringify(given) !== text) wrong.push({ name, expression, answer, expected: error ?? result })
    if ('code' in answer && typeof answer.details?.['position'] !== 'number') wrong.push({ expression, answer })
  }
  return wrong
}

describe('the compliance suite of the specification', () => {
  test('is whole', () => {
    process.stdout.write(`JMESPath compliance: ${cases.length} cases\n`)
    expect(cases.length).toBe(851)
  })

  test('at once', async () => {
    expect(await failures(openJmespath({ threads, clock: systemClock }))).toEqual([])
  })

  test('on a thread', async () => {
    expect(await failures(openJmespath({ threads, clock: systemClock, atOnce: false }))).toEqual([])
  })
})
