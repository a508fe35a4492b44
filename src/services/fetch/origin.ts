import type { Destination } from '../../lib/egress.ts'

/** Where requests go: one origin, however its host was written. */
export interface Origin {
  readonly key: string
  /** Canonical. */
  readonly host: string
  readonly port: number
}

/** The origin of a URL that the egress policy has admitted as this destination. */
export function originOf({ protocol }: URL, { host, port }: Destination): Origin {
  return { key: `${protocol}//${host}:${port}`, host, port }
}
