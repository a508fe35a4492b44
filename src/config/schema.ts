/** Every setting, once: loading, `--help`, `beamline config` and the reference all read this list. */
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  choice,
  credential,
  duration,
  flag,
  listenAddress,
  names,
  natsName,
  onOrOff,
  path,
  servers,
  size,
  subject,
  text,
  wholeNumber,
} from './kinds.ts'
import { optional, type Setting, secret, setting } from './setting.ts'

const cores = 'the number of cores, at most 4'

const nats = {
  servers: setting('NATS_URL', servers, 'nats://localhost:4222', 'The NATS servers, any of which will do.'),
  credsFile: optional('NATS_CREDS', path, 'Credentials file (JWT and seed) to sign in with.'),
  nkeySeed: secret('NATS_NKEY_SEED', credential, 'NKey seed to sign in with.'),
  token: secret('NATS_TOKEN', credential, 'Token to sign in with.'),
  user: optional('NATS_USER', text('user name'), 'User to sign in as.'),
  password: secret('NATS_PASSWORD', text('password'), 'Password of that user.'),
  tlsCa: optional('NATS_TLS_CA', path, 'Certificates to trust, in PEM; setting any NATS_TLS file turns TLS on.'),
  tlsCert: optional('NATS_TLS_CERT', path, 'Certificate to show to the server, in PEM.'),
  tlsKey: optional('NATS_TLS_KEY', path, 'Private key of that certificate, in PEM.'),
  tlsFirst: setting('NATS_TLS_FIRST', flag, 'false', 'Start TLS before the server says anything.'),
}

const subjects = {
  assign: setting('CAF_ASSIGN_SUBJECT', subject, 'caf.exec.assign.v1', 'Where assignments arrive.'),
  ack: setting(
    'CAF_ACK_SUBJECT',
    subject,
    { kind: 'derived', words: 'CAF_ASSIGN_SUBJECT and .ack', make: (textOf) => `${textOf('CAF_ASSIGN_SUBJECT')}.ack` },
    'Where assignments are accepted or refused.',
  ),
  result: setting('CAF_RESULT_SUBJECT', subject, 'caf.exec.result.v1', 'Where results go.'),
  heartbeat: setting('CAF_HEARTBEAT_SUBJECT', subject, 'caf.status.heartbeat.v1', 'Where heartbeats go.'),
  deadLetter: setting('CAF_DLQ_SUBJECT', subject, 'caf.deadletter.v1', 'Where notifications of dead letters go.'),
  cancel: setting('CAF_CANCEL_SUBJECT', subject, 'caf.exec.cancel.v1', 'Where jobs are cancelled.'),
}

const wire = {
  envelope: setting(
    'CAF_ENVELOPE',
    choice('auto', 'always', 'never'),
    'auto',
    'Wrap what is sent in envelopes: results as their assignment came, everything, or nothing.',
  ),
  acks: setting('CAF_ACKS', onOrOff, 'on', 'Send assignment acks.'),
}

const jetstream = {
  mode: setting(
    'JETSTREAM',
    choice('auto', 'require', 'off'),
    'auto',
    'Take assignments from a stream: where one captures them, always (made when missing), or never.',
  ),
  stream: setting('JETSTREAM_STREAM', natsName, 'CAF_EXEC', 'Name of the stream that require makes.'),
  consumer: setting('JETSTREAM_CONSUMER', natsName, 'caf-workers', 'Durable consumer that the fleet shares.'),
  replicas: setting('JETSTREAM_REPLICAS', wholeNumber(1, 5), '1', 'Copies of each stream and bucket that is made.'),
  maxBytes: optional('JETSTREAM_MAX_BYTES', size('1MB', '100TB'), 'Size limit of the stream that require makes.'),
  maxAgeMs: optional('JETSTREAM_MAX_AGE', duration('1s', '3650d'), 'Age limit of messages in that stream.'),
  ackWaitMs: setting(
    'ACK_WAIT_MS',
    duration('1s', '1h'),
    '30000',
    'How long a delivery may be held without a sign of life, for a consumer that is made.',
  ),
  maxDeliveries: setting(
    'MAX_DELIVERIES',
    wholeNumber(1, 1000),
    '5',
    'How many deliveries may end in a crash or a lost lease before the job is buried unrun.',
  ),
}

const slots = (words: string, times: number) => ({
  kind: 'derived' as const,
  words,
  make: (textOf: (variable: string) => string) => String(times * Number(textOf('WORKER_MAX_CONCURRENCY'))),
})

const worker = {
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
    { kind: 'derived', words: cores, make: () => String(Math.min(4, availableParallelism())) },
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

const deadLetters = {
  path: setting(
    'DLQ_PATH',
    path,
    process.platform === 'win32'
      ? {
          kind: 'derived',
          words: "worker-dlq.jsonl in the user's temporary folder",
          make: () => join(tmpdir(), 'worker-dlq.jsonl'),
        }
      : '/tmp/worker-dlq.jsonl',
    "File for dead letters; those that are the caller's fault go to <name>.rejected.<ext> beside it.",
  ),
}

const http = {
  bind: setting('HEALTH_BIND', listenAddress, '0.0.0.0:9091', 'Where HTTP listens; port 0 takes any that is free.'),
  maxBodyBytes: setting('HTTP_MAX_BODY_BYTES', size('1KB', '1GB'), '1MB', 'Largest request body.'),
  apiToken: secret('API_TOKEN', credential, 'Bearer token of the HTTP API; without it the API answers 403.'),
}

const log = {
  level: setting('LOG_LEVEL', choice('debug', 'info', 'warn', 'error'), 'info', 'The least that is logged.'),
  format: setting('LOG_FORMAT', choice('json', 'pretty'), 'json', 'One JSON object a line, or text for people.'),
}

/** All settings, by section and by the name they have in `Config`. */
export const settings = { nats, subjects, wire, jetstream, worker, deadLetters, http, log }

/** The headings of the sections in listings, in order. */
export const sectionTitles: Readonly<Record<keyof typeof settings, string>> = {
  nats: 'NATS',
  subjects: 'Subjects',
  wire: 'Wire format',
  jetstream: 'JetStream',
  worker: 'Worker',
  deadLetters: 'Dead letters',
  http: 'HTTP',
  log: 'Logs',
}

type Value<S> = S extends Setting<infer T> ? T : never
type Section<S> = {
  readonly [K in keyof S as S[K] extends Setting<unknown, false> ? K : never]: Value<S[K]>
} & {
  readonly [K in keyof S as S[K] extends Setting<unknown, true> ? K : never]?: Value<S[K]>
}

/** The settings of one section as they were written, before anything is derived. */
export type Sections = { readonly [K in keyof typeof settings]: Section<(typeof settings)[K]> }

/** Everything the process was told, checked: each value by section and name, absent where it is optional and unset. */
export type Config = Omit<Sections, 'http'> & {
  readonly http: Omit<Sections['http'], 'bind'> & { readonly host: string; readonly port: number }
}
