/** One line of `check`. */
export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail'
  /** What was looked at. */
  readonly name: string
  /** What was found, and where it is not good, what to do. */
  readonly explanation: string
}

/** All is well. */
export function ok(name: string, explanation: string): Finding {
  return { status: 'ok', name, explanation }
}

/** It works, but somebody should know. */
export function warn(name: string, explanation: string): Finding {
  return { status: 'warn', name, explanation }
}

/** It does not work. */
export function fail(name: string, explanation: string): Finding {
  return { status: 'fail', name, explanation }
}
