import type { LogFields, Logger } from '../../src/observe/logger.ts'

/** A line that was logged. */
export interface Said {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields | undefined
}

/** A log that keeps what is said to it, debugging left out. */
export function saidLog(): { readonly log: Logger; readonly said: readonly Said[] } {
  const said: Said[] = []
  const at =
    (level: Said['level']) =>
    (message: string, fields?: LogFields): void =>
      void said.push({ level, message, fields })
  const log: Logger = {
    debug: () => undefined,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
    debugging: false,
    flush: () => undefined,
  }
  return { log, said }
}
