/** Values of earlier statements as arguments of later ones. */
import { JobError } from '../../errors.ts'
import type { JobContext } from '../../handler.ts'
import { restated } from '../../lib/restated-error.ts'
import type { Jmespath } from '../../services/jmespath/jmespath.ts'
import type { AskedStatement } from './input.ts'
import type { SqlResult } from './output.ts'

const key = '$ref'

/** What references are looked up with. */
export interface Lookup {
  readonly jmespath: Jmespath
  readonly context: Pick<JobContext, 'signal' | 'tenantId' | 'timeLeftMs'>
  /** How long one may take on a thread, in milliseconds. */
  readonly limitMs: number
}

/** Throws JMESPATH_COMPILE_ERROR, with the statement and the parameter, when a reference is no expression. */
export function checkReferences(statements: readonly AskedStatement[], jmespath: Jmespath): void {
  for (const [statement, { args }] of statements.entries()) {
    for (const [index, arg] of args.entries()) {
      const expression = referenceOf(arg)
      if (expression === undefined) continue
      try {
        jmespath.check(expression)
      } catch (thrown) {
        throw placed(thrown, statement, index)
      }
    }
  }
}

/**
 * The arguments of a statement, references replaced by what they refer to. Rejects with PRECONDITION_FAILED when there is
 * nothing, or null, and as expressions do.
 */
export async function resolved(
  { args }: AskedStatement,
  statement: number,
  results: readonly SqlResult[],
  lookup: Lookup,
): Promise<readonly unknown[]> {
  const values: unknown[] = []
  for (const [index, arg] of args.entries()) {
    const expression = referenceOf(arg)
    values.push(expression === undefined ? arg : await lookedUp(expression, { statement, index, results }, lookup))
  }
  return values
}

interface Place {
  readonly statement: number
  readonly index: number
  readonly results: readonly SqlResult[]
}

async function lookedUp(expression: string, { statement, index, results }: Place, lookup: Lookup): Promise<unknown> {
  const { jmespath, context, limitMs } = lookup
  const { signal, tenantId } = context
  // The time goes on meanwhile: a transaction stands open.
  const owner = { tenantId, pauseTime: () => undefined, resumeTime: () => Math.min(limitMs, context.timeLeftMs()) }
  const value = await jmespath.search(expression, { results }, signal, owner).catch((thrown: unknown) => {
    throw signal.aborted ? thrown : placed(thrown, statement, index)
  })
  if (value !== null && value !== undefined) return value
  throw new JobError('PRECONDITION_FAILED', 'A reference to an earlier statement refers to nothing', {
    details: { reason: 'reference', statement, parameter: index + 1 },
  })
}

/** The expression of an object whose one field is `$ref`. */
function referenceOf(arg: unknown): string | undefined {
  if (typeof arg !== 'object' || arg === null || Array.isArray(arg)) return undefined
  const [[name, value] = [], ...others] = Object.entries(arg)
  return others.length === 0 && name === key && typeof value === 'string' ? value : undefined
}

function placed(thrown: unknown, statement: number, index: number): JobError {
  const error = JobError.from(thrown)
  // Its own limit on a thread is no time-out of the job.
  const code = error.code === 'TIMEOUT' ? 'SCRIPT_LIMIT_EXCEEDED' : error.code
  return restated(error, { code, retry: 'never', unsent: true, details: { statement, parameter: index + 1 } })
}
