/** Values that a job may name without knowing them. */
import { z } from 'zod'
import type { Secrets } from '../../services/secrets/secrets.ts'
import { tooLong } from './bounded.ts'
import { headerLimits } from './header-rules.ts'

/** `{"secret":"NAME"}`. */
export const secretReference = z.strictObject({ secret: z.string().min(1).max(128) })

/** The name of a secret. */
export type SecretReference = z.output<typeof secretReference>

/** A text, or the name of a secret. */
export const secretValue = z.union(
  [z.string().max(headerLimits.value, { error: tooLong(headerLimits.value) }), secretReference],
  {
    error: 'Not a text or {"secret":"NAME"}',
  },
)

type SecretValue = z.infer<typeof secretValue>

/** A value as it is to be sent. */
interface Revealed {
  readonly text: string
  /** It was one of the configured secrets. */
  readonly isSecret: boolean
}

/** Finds the values that one tenant sends to one place. Rejects as Secrets does. */
export type Reveal = (value: SecretValue) => Promise<Revealed>

/** For values of this tenant that go where this URL leads. */
export function revealer(secrets: Secrets, tenantId: string, url: URL): Reveal {
  const use = { tenantId, host: url.hostname, port: portOf(url) }
  return async (value) =>
    typeof value === 'string'
      ? { text: value, isSecret: false }
      : { text: await secrets.reveal(value.secret, use), isSecret: true }
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
