/** Everything that can go wrong with a request, as errors of jobs. Details name the host, never the URL or an address. */
import { JobError } from '../../errors.ts'

/** The errors of connecting: nobody was there, so nothing has left. Another address may do better. */
const unreached: ReadonlyMap<string, 'refused' | 'unreachable'> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ENETUNREACH', 'unreachable'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETDOWN', 'unreachable'],
  ['EHOSTDOWN', 'unreachable'],
  ['EADDRNOTAVAIL', 'unreachable'],
  ['EINVAL', 'unreachable'],
  ['EACCES', 'unreachable'],
  ['EPERM', 'unreachable'],
])

/** Certificates are checked before anything is sent. */
const certificateCodes =
  /^(CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_|INVALID_(CA|PURPOSE)$|PATH_LENGTH_|HOSTNAME_|ERR_TLS_CERT_)/

const malformedCodes = /^(Malformed|Invalid)/

/** What the runtime's fetch threw before the head of a response was there. */
export function requestFailure(thrown: unknown, host: string, mayHaveLeft: boolean): JobError {
  const code = codeOf(thrown)
  const reason = unreached.get(code)
  if (reason !== undefined) return failed('The server could not be reached', { reason, code, host }, { unsent: true })
  if (certificateCodes.test(code)) {
    const details = { reason: 'certificate', code, host }
    return failed('The certificate of the server is not valid for it', details, { unsent: true, retry: 'never' })
  }
  if (malformedCodes.test(code)) return failed('The answer is not HTTP', { reason: 'malformed', code, host })
  const kind = code === 'ECONNRESET' ? 'reset' : 'network'
  return failed('The connection failed', { reason: kind, code, host }, { unsent: !mayHaveLeft })
}

/** The response stopped before its end. */
export function incomplete(thrown: unknown, host: string): JobError {
  return failed('The response was cut off', { reason: 'incomplete', code: codeOf(thrown), host })
}

/** The body is not what its `content-encoding` says. */
export function undecodable(thrown: unknown, host: string): JobError {
  return failed('The response cannot be decompressed', { reason: 'encoding', code: codeOf(thrown), host })
}

/** The name has no address, or nobody could tell. */
export function unresolved(thrown: unknown, host: string): JobError {
  const code = codeOf(thrown).replace(/^DNS_/, '')
  return failed('The host name cannot be resolved', { reason: 'dns', code, host }, { unsent: true })
}

/** More redirects than are followed. */
export function tooManyRedirects(host: string): JobError {
  return failed('There were too many redirects', { reason: 'redirects', host }, { retry: 'never' })
}

/** Nobody accepted the connection in time. */
export function connectTimeout(host: string, unsent: boolean): JobError {
  const details = { reason: 'connect', host }
  return new JobError('CONNECTION_TIMEOUT', 'The server did not accept a connection in time', { details, unsent })
}

/** The server took the connection, and then did not answer in time. */
export function firstByteTimeout(host: string): JobError {
  const details = { reason: 'first_byte', host }
  return new JobError('TIMEOUT', 'The server did not begin its answer in time', { details })
}

/** Whether it is the server that was slow, and not the job that had no more time. */
export function isFirstByteTimeout({ code, details }: JobError): boolean {
  return code === 'TIMEOUT' && details?.['reason'] === 'first_byte'
}

/** The body is larger than `limit` bytes, before or after decompression. */
export function tooLarge(host: string, limit: number): JobError {
  return new JobError('QUOTA_EXCEEDED', 'The response is larger than what is read', { details: { limit, host } })
}

/** The caller's signal aborted before anything had left; its reason is the cause. */
export function calledOff(signal: AbortSignal): JobError {
  const cause: unknown = signal.reason
  return new JobError('CANCELLED', 'The request was called off before it left', { unsent: true, cause })
}

/** The same error of a request whose earlier part has left. */
export function afterSending(error: JobError): JobError {
  const { code, message, retry, details, cause } = error
  return error.unsent ? new JobError(code, message, { retry, ...(details && { details }), cause }) : error
}

/** Whether the next address of the host may be tried: this one did not even take the connection. */
export function isOfConnecting({ code, details, unsent }: JobError): boolean {
  if (code === 'CONNECTION_TIMEOUT') return true
  const reason = details?.['reason']
  return unsent && (reason === 'refused' || reason === 'unreachable')
}

type Options = ConstructorParameters<typeof JobError>[2]

// The runtime's own error is not kept as the cause: its message may hold the whole URL.
function failed(message: string, details: Record<string, string>, options?: Options): JobError {
  return new JobError('HTTP_REQUEST_FAILED', message, { ...options, details })
}

function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return /^[\w-]{1,64}$/.test(code) ? code : 'unknown'
}
