/** The settings of the process: its HTTP server and its log. */
import { choice, credential, listenAddress, size } from './kinds.ts'
import { secret, setting } from './setting.ts'

export const httpSettings = {
  bind: setting('HEALTH_BIND', listenAddress, '0.0.0.0:9091', 'Where HTTP listens; port 0 takes any that is free.'),
  maxBodyBytes: setting('HTTP_MAX_BODY_BYTES', size('1KB', '1GB'), '1MB', 'Largest request body.'),
  apiToken: secret('API_TOKEN', credential, 'Bearer token of the HTTP API; without it the API answers 403.'),
}

export const logSettings = {
  level: setting('LOG_LEVEL', choice('debug', 'info', 'warn', 'error'), 'info', 'The least that is logged.'),
  format: setting('LOG_FORMAT', choice('json', 'pretty'), 'json', 'One JSON object a line, or text for people.'),
}
