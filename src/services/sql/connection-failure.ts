import { JobError, type Retry } from '../../errors.ts'
import type { ConnectionLost, Loss } from './server-error.ts'

/** What another attempt would only meet again. */
const lasting: ReadonlySet<Loss> = new Set(['authentication', 'noDatabase', 'tls'])

/** Which database it was, for error details: the name or the setting of a configured one, or the host that a job gave. */
export type Whereabouts = Readonly<Partial<Record<'connection' | 'setting' | 'host', string>>>

/** No connection, as the error of a job of which nothing has left. */
export function connectionFailure(lost: ConnectionLost, where: Whereabouts): JobError {
  const { message, loss, reason, sqlState } = lost
  const retry: Retry = lasting.has(loss) ? 'never' : 'backoff'
  return new JobError('DB_CONNECTION_ERROR', message, {
    details: { reason, ...(sqlState !== undefined && { sql_state: sqlState }), ...where },
    retry,
    unsent: true,
    cause: lost,
  })
}
