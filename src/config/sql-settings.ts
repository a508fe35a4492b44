/** The settings of the databases that jobs may use. */
import { family } from './family.ts'
import { duration, flag, names, postgresDsn, size, wholeNumber } from './kinds.ts'
import { optional, secret, setting } from './setting.ts'

/** Which databases there are, and how much a job may take from them. */
export const sqlSettings = {
  defaultDsn: secret('DATABASE_URL', postgresDsn, 'The database of jobs that name none.'),
  named: family({
    dsn: secret(
      'SQL_CONNECTION_<NAME>',
      postgresDsn,
      'A database that jobs name, in upper case with _ for - and . in its name.',
    ),
    tenants: optional('SQL_CONNECTION_<NAME>_TENANTS', names, 'Tenants whose jobs may use it; without it, all.'),
  }),
  allowInline: setting('SQL_ALLOW_INLINE_DSN', flag, 'true', 'Whether a job may bring its own connection string.'),
  poolSize: setting('SQL_POOL_SIZE', wholeNumber(1, 100), '5', 'Connections to one database for one user.'),
  maxPools: setting(
    'SQL_MAX_POOLS',
    wholeNumber(1, 1000),
    '20',
    'Databases, by user, that jobs bring themselves and connections are kept to.',
  ),
  connectTimeoutMs: setting('SQL_CONNECT_TIMEOUT_MS', duration('10ms', '10m'), '5000', 'How long connecting may take.'),
  queueTimeoutMs: setting(
    'SQL_QUEUE_TIMEOUT_MS',
    duration('10ms', '1h'),
    '10000',
    'How long a job waits for a connection while all are in use.',
  ),
  prepare: setting(
    'SQL_PREPARE',
    flag,
    'true',
    'Whether queries by key that come again are prepared by name, where sessions are not shared by a pooler.',
  ),
  maxRows: setting('SQL_MAX_ROWS', wholeNumber(1, 1_000_000), '10000', 'Rows that a job may get.'),
  maxOutputBytes: setting('SQL_MAX_OUTPUT_BYTES', size('1KB', '64MB'), '1MB', 'Size of the values that a job may get.'),
  readOnly: setting('SQL_READ_ONLY', flag, 'false', 'Whether jobs may only read.'),
}
