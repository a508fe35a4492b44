/** How the process ends, for scripts and supervisors. */
export const exitCodes = {
  done: 0,
  /** A job or a check failed, or something went wrong that should not. */
  failed: 1,
  /** Usage or settings are wrong, or the port is in use. */
  usage: 2,
  unreachable: 3,
  /** WORKER_MAX_RSS was reached. */
  memory: 75,
  /** A second interrupt. */
  interrupted: 130,
} as const
