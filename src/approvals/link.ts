/** Links that let one person decide one question: signed, for a time, and worthless for anything else. */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a link stands for. */
export interface LinkClaim {
  readonly approvalId: string
  readonly approver: string
  /** Seconds since 1970. */
  readonly expiresAt: number
}

const version = 1
/** Longer than any token of ours: a name of 200 characters, an id, a signature. */
const longestToken = 2048
const parts = /^([\w-]+)\.([\w-]{43})$/

/** Signs and checks tokens of links. */
export class Links {
  readonly #secrets: readonly string[]

  /** The first secret signs, all of them are good for checking, so that one can be replaced while links are out. */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  /** A token of URL-safe characters; undefined without a secret. */
  sign({ approvalId, approver, expiresAt }: LinkClaim): string | undefined {
    const [secret] = this.#secrets
    if (secret === undefined) return undefined
    const body = Buffer.from(JSON.stringify([version, approvalId, approver, expiresAt])).toString('base64url')
    return `${body}.${signature(secret, body).toString('base64url')}`
  }

  /** What the token stands for; undefined when it is not ours, altered, or out of date; null: no text at all. Takes as long for each secret. */
  verify(token: string | null, nowMs: number): LinkClaim | undefined {
    const [, body, signed] = (token !== null && token.length <= longestToken && parts.exec(token)) || []
    const shown = Buffer.from(signed ?? '', 'base64url')
    let isOurs = false
    for (const secret of this.#secrets) {
      const expected = signature(secret, body ?? '')
      const comparable = shown.length === expected.length ? shown : Buffer.alloc(expected.length)
      if (timingSafeEqual(expected, comparable) && comparable === shown) isOurs = true
    }
    // The last character of a signature holds spare bits, which must not make another token of the same meaning.
    if (!isOurs || body === undefined || shown.toString('base64url') !== signed) return undefined
    return current(body, nowMs)
  }
}

function signature(secret: string, body: string): Buffer {
  return createHmac('sha256', secret).update(`beamline approval link\n${body}`).digest()
}

/** Only what has been signed here is read. */
function current(body: string, nowMs: number): LinkClaim | undefined {
  const [as, approvalId, approver, expiresAt] = JSON.parse(Buffer.from(body, 'base64url').toString()) as readonly [
    number,
    string,
    string,
    number,
  ]
  return as === version && nowMs < expiresAt * 1000 ? { approvalId, approver, expiresAt } : undefined
}
