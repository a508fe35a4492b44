/** The settings of the message bus: the servers, and what is said where and how. */
import {
  choice,
  credential,
  duration,
  flag,
  natsName,
  onOrOff,
  path,
  servers,
  size,
  subject,
  text,
  wholeNumber,
} from './kinds.ts'
import { optional, secret, setting } from './setting.ts'

export const natsSettings = {
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

export const subjectsSettings = {
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
  approval: setting(
    'CAF_APPROVAL_SUBJECT',
    subject,
    'caf.approval.v1',
    'Where approvals are, each below: .requested and .decided tell of them; .get, .list and .decide are requests.',
  ),
}

export const wireSettings = {
  envelope: setting(
    'CAF_ENVELOPE',
    choice('auto', 'always', 'never'),
    'auto',
    'Wrap what is sent in envelopes: results as their assignment came, everything, or nothing.',
  ),
  acks: setting('CAF_ACKS', onOrOff, 'on', 'Send assignment acks.'),
}

export const jetstreamSettings = {
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
