/** What the router reads in an error: messages it cannot take for an outage, and the type of a provider's fault. */
import { type ErrorCode, errorKind, type JobError } from '../errors.ts'
import type { JsonObject } from './json.ts'

/** The router reads these, wherever they stand in a message, as the provider being down. */
const outageWords = /timeout|connection|unavailable|5/i

/** Longer than any fixed text with a job type in it. */
const longestMessage = 512

/** What is said instead of a message that would be misread. */
const fixedTexts = {
  INVALID_INPUT: 'The input is not valid',
  UNKNOWN_JOB_TYPE: 'Unknown job type',
  INVALID_PATH: 'The path is not allowed',
  JMESPATH_COMPILE_ERROR: 'The expression cannot be parsed',
  BASE64_DECODE_ERROR: 'The bytes are not base64',
  MISSING_REQUIRED_FIELD: 'A required field is missing',
  INVALID_FORMAT: 'The format is not supported',
  PARSE_ERROR: 'The message is not JSON',
  DECODE_ERROR: 'The message is not an assignment',
  GRAPHQL_RESPONSE_PARSE_ERROR: 'The GraphQL response is not JSON',
  SCRIPT_ERROR: 'The script failed',
  JMESPATH_RUNTIME_ERROR: 'The expression failed',
  DB_QUERY_ERROR: 'The database refused the query',
  GRAPHQL_ERRORS: 'The GraphQL server answered with errors',
  FILE_WRITE_ERROR: 'The file could not be written',
  FILE_EXISTS: 'The file exists already',
  PRECONDITION_FAILED: 'A precondition does not hold',
  DATA_CORRUPT: 'The data is corrupt',
  RESOURCE_UNAVAILABLE: 'A resource is not there',
  FILE_NOT_FOUND: 'The file was not found',
  DB_CONNECTION_ERROR: 'The database could not be reached',
  PERMISSION_DENIED: 'Not permitted',
  TENANT_NOT_ALLOWED: 'The tenant is not allowed here',
  QUOTA_EXCEEDED: 'A quota is used up',
  OUTPUT_TOO_LARGE: 'The output is too large to be sent',
  SCRIPT_LIMIT_EXCEEDED: 'The script went over a limit',
  HTTP_REQUEST_FAILED: 'The HTTP request failed',
  GRAPHQL_REQUEST_FAILED: 'The GraphQL request failed',
  CONNECTION_TIMEOUT: 'The server did not answer in time',
  HTTP_ERROR: 'The server answered with an error status',
  INTERNAL_ERROR: 'The job failed for an unexpected reason',
  SYSTEM_OVERLOAD: 'There is no room for the job now',
  CANCELLED: 'The job was cancelled',
  TIMEOUT: 'The job ran out of time',
  DEADLINE_EXCEEDED: 'The deadline had passed before the job could start',
  APPROVAL_EXPIRED: 'Nobody decided in time',
} as const satisfies Record<ErrorCode, string>

/** Codes whose fault is the provider's whatever the details say, so that their messages may sound like an outage. */
const providerFaults: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HTTP_REQUEST_FAILED',
  'GRAPHQL_REQUEST_FAILED',
  'CONNECTION_TIMEOUT',
  'TIMEOUT',
  'DEADLINE_EXCEEDED',
  'DB_CONNECTION_ERROR',
  'RESOURCE_UNAVAILABLE',
  'SYSTEM_OVERLOAD',
])

/** What a code says when there is nothing more to say. */
export function fixedText(code: ErrorCode): string {
  return fixedTexts[code]
}

/** The message to be sent: the error's own unless the router would misread it (or it is empty or far too long). */
export function errorMessage(error: JobError, details: JsonObject | undefined = error.details): string {
  const { code, message } = error
  if (message === '' || message.length > longestMessage) return fixedTexts[code]
  if (providerFaults.has(code) || isServerError(code, details)) return message
  return outageWords.test(message) ? fixedTexts[code] : message
}

/**
 * How the router counts a provider's fault; undefined when it is none. An HTTP_ERROR counts by `details.status`,
 * a RESOURCE_UNAVAILABLE only when `details.breaker` is `open`.
 */
export function errorType(code: ErrorCode, details: JsonObject | undefined): string | undefined {
  if (isServerError(code, details)) return 'server_error'
  if (code === 'RESOURCE_UNAVAILABLE') return details?.['breaker'] === 'open' ? 'provider_unavailable' : undefined
  return errorKind(code).errorType
}

function isServerError(code: ErrorCode, details: JsonObject | undefined): boolean {
  const status = details?.['status']
  return code === 'HTTP_ERROR' && typeof status === 'number' && status >= 500 && status <= 599
}
