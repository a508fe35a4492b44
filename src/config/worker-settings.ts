/** The settings of the worker itself. */
import { duration, flag, names, size, text, wholeNumber } from './kinds.ts'
import { optional, setting } from './setting.ts'

const slots = (words: string, times: number) => ({
  kind: 'derived' as const,
  words,
  make: (textOf: (variable: string) => string) => String(times * Number(textOf('WORKER_MAX_CONCURRENCY'))),
})

export const workerSettings = {
  id: setting(
    'WORKER_ID',
    text('name of at most 128 characters', 128),
    { kind: 'invented', words: 'worker-<uuid>, new at each start', make: () => `worker-${crypto.randomUUID()}` },
    'Name of this worker in results, heartbeats and logs.',
  ),
  maxConcurrency: setting('WORKER_MAX_CONCURRENCY', wholeNumber(1, 256), '8', 'Slots: jobs that run at once.'),
  queueSize: setting(
    'WORKER_QUEUE_SIZE',
    wholeNumber(1, 1_000_000),
    '1000',
    'Jobs that may wait for a slot, where no stream keeps them.',
  ),
  prefetch: setting(
    'WORKER_PREFETCH',
    wholeNumber(1, 100_000),
    slots('twice WORKER_MAX_CONCURRENCY', 2),
    'Deliveries held at once under JetStream: running, waiting for a slot or for a retry.',
  ),
  cpuPoolSize: setting(
    'WORKER_CPU_POOL_SIZE',
    wholeNumber(1, 256),
    { kind: 'derived', words: 'SCRIPT_THREADS', make: (textOf) => textOf('SCRIPT_THREADS') },
    'Slots for jobs that compute.',
  ),
  ioPoolSize: setting(
    'WORKER_IO_POOL_SIZE',
    wholeNumber(1, 256),
    slots('WORKER_MAX_CONCURRENCY', 1),
    'Slots for jobs that wait on others.',
  ),
  tenantMaxConcurrency: optional(
    'WORKER_TENANT_MAX_CONCURRENCY',
    wholeNumber(1, 256),
    'Jobs of one tenant that run at once.',
  ),
  tenantAllowlist: optional('WORKER_TENANT_ALLOWLIST', names, 'Tenants whose jobs are taken; without it, all.'),
  strictDeadline: setting(
    'STRICT_DEADLINE',
    flag,
    'false',
    'Let options.deadline_ms hold even where a job has a timeout_ms of its own.',
  ),
  shutdownGraceMs: setting(
    'SHUTDOWN_GRACE_MS',
    duration('0ms', '1h'),
    '20000',
    'How long running jobs may go on after SIGTERM before they are given back.',
  ),
  sandboxMode: setting('WORKER_SANDBOX_MODE', flag, 'false', 'Run nothing that has an effect: answer with samples.'),
  maxRssBytes: optional(
    'WORKER_MAX_RSS',
    size('64MB', '1TB'),
    'Memory at which the worker drains and ends with code 75.',
  ),
  defaultJobTimeoutMs: setting(
    'DEFAULT_JOB_TIMEOUT_MS',
    duration('100ms', '1h'),
    '60000',
    'Limit of one attempt, where neither the job nor its handler sets one.',
  ),
  heartbeatIntervalMs: setting(
    'CAF_HEARTBEAT_INTERVAL_MS',
    duration('100ms', '10m'),
    '5000',
    'Time between heartbeats.',
  ),
  resultPublishMaxRetries: setting(
    'RESULT_PUBLISH_MAX_RETRIES',
    wholeNumber(0, 20),
    '5',
    'How often a result that did not arrive is sent again before it is buried.',
  ),
}
