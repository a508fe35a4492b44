/** Anything that can go wrong in a route, as a problem document that gives nothing away. */
import { NotFoundError, ParseError, ValidationError } from 'elysia'
import type { Logger } from '../observe/logger.ts'
import { HttpProblem, problem } from './problem.ts'

/** The answer to whatever was thrown. What nobody foresaw is a 500 with a fixed text, and goes to the log. */
export function problemFor(thrown: unknown, log: Logger): Response {
  if (thrown instanceof HttpProblem) return thrown.toResponse()
  if (thrown instanceof NotFoundError) return notFound()
  if (thrown instanceof ParseError) return parseProblem(thrown, log)
  if (thrown instanceof ValidationError && thrown.type !== 'response') {
    return problem(400, 'Bad Request', 'The request has wrong fields.', { errors: wrongFields(thrown) })
  }
  log.error('A request failed for an unexpected reason', { error: thrown })
  return problem(500, 'Internal Server Error', 'The request failed for an unexpected reason.')
}

/** The answer where there is nothing. */
export function notFound(): Response {
  return problem(404, 'Not Found', 'There is nothing here.')
}

function parseProblem(thrown: ParseError, log: Logger): Response {
  // Elysia wraps what a body parser throws.
  return thrown.cause instanceof HttpProblem
    ? problemFor(thrown.cause, log)
    : problem(400, 'Bad Request', 'The body cannot be read.')
}

interface WrongField {
  readonly in: string
  readonly field: string
  readonly problem: string
}

function wrongFields(error: ValidationError): readonly WrongField[] {
  return error.all.flatMap((issue) => {
    if (!('path' in issue) || !('message' in issue)) return []
    return [{ in: error.type, field: String(issue.path), problem: String(issue.message) }]
  })
}
