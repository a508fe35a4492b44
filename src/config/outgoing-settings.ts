/** The settings of what jobs do: where they may reach, with which secrets, and how much they may take. */
import { availableParallelism } from 'node:os'
import { family } from './family.ts'
import { duration, hostPatterns, names, networks, secretText, size, statusPattern, text, wholeNumber } from './kinds.ts'
import { optional, secret, setting } from './setting.ts'

/** Where jobs may connect to. */
export const egressSettings = {
  allowHosts: setting(
    'EGRESS_ALLOW_HOSTS',
    hostPatterns,
    '',
    'Hosts that may be reached although their addresses are private.',
  ),
  allowCidrs: setting('EGRESS_ALLOW_CIDRS', networks, '', 'Private networks that may be reached.'),
  onlyHosts: optional('EGRESS_ONLY_HOSTS', hostPatterns, 'The only hosts that may be reached; without it, all.'),
  denyCidrs: setting('EGRESS_DENY_CIDRS', networks, '', 'Networks that may never be reached.'),
}

/** How jobs make HTTP requests. */
export const outgoingSettings = {
  connectTimeoutMs: setting(
    'HTTP_CONNECT_TIMEOUT_MS',
    duration('10ms', '10m'),
    '5000',
    'How long connecting may take.',
  ),
  maxResponseBytes: setting('HTTP_MAX_RESPONSE_BYTES', size('1KB', '1GB'), '10MB', 'Largest body that is read.'),
  maxRedirects: setting('HTTP_MAX_REDIRECTS', wholeNumber(0, 20), '5', 'Redirects that are followed.'),
  maxPerOrigin: setting('HTTP_MAX_PER_ORIGIN', wholeNumber(1, 256), '64', 'Requests to one origin at once.'),
  okStatus: setting(
    'HTTP_OK_STATUS',
    statusPattern,
    '2xx,3xx',
    'Statuses that are a success, where a job says nothing.',
  ),
}

/** The values that jobs may name. */
export const secretsSettings = {
  dir: optional(
    'SECRETS_DIR',
    text('path of a folder'),
    'Folder with a file for each secret, read anew when it changes.',
  ),
  named: family({
    value: secret(
      'SECRET_<NAME>',
      secretText,
      'A secret that jobs name, in upper case with _ for - and . in its name.',
    ),
    hosts: optional('SECRET_<NAME>_HOSTS', hostPatterns, 'Where it may be sent; without it, nowhere; * is anywhere.'),
    tenants: optional('SECRET_<NAME>_TENANTS', names, 'Tenants whose jobs may use it; without it, all.'),
  }),
}

/** Where scripts and expressions run, and what they may take. */
export const scriptsSettings = {
  threads: setting(
    'SCRIPT_THREADS',
    wholeNumber(1, 64),
    {
      kind: 'derived',
      words: 'the number of cores, at most 4',
      make: () => String(Math.min(4, availableParallelism())),
    },
    'Threads that scripts and expressions run on.',
  ),
  timeoutMs: setting(
    'SCRIPT_TIMEOUT_MS',
    duration('10ms', '1h'),
    '5000',
    'How long a script or an expression may take whose job sets neither a limit nor a deadline.',
  ),
  memoryBytes: setting(
    'SCRIPT_MEMORY_BYTES',
    size('20MB', '2GB'),
    '64MB',
    'The most memory that the interpreter of a script may take, 1MB of it for itself.',
  ),
  stackBytes: setting('SCRIPT_STACK_BYTES', size('64KB', '1MB'), '512KB', 'The most stack that a script may take.'),
}
