/** Votes that one worker passes on to another, where many may listen: signed with what both know, which is never said. */
import { createHmac } from 'node:crypto'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { isSameText } from '../lib/same-text.ts'
import type { Ballot } from './machine.ts'

/** A vote that was checked where it came in, for one approval, at one moment, once. */
export interface SealedVote {
  readonly approvalId: string
  readonly decision: string
  readonly approver: string
  readonly comment?: string | null | undefined
  readonly via: 'api' | 'link'
  /** In milliseconds since 1970. */
  readonly at: number
  readonly nonce: string
  /** One for each secret, so that secrets can be replaced one worker after the other. */
  readonly seals: readonly string[]
}

interface SealsParts {
  /** Without it votes of the API cannot be passed on. */
  readonly apiToken: string | undefined
  readonly linkSecrets: readonly string[]
  readonly clock: Clock
}

/** How long a sealed vote is good for, in milliseconds; clocks of two workers may differ by as much. */
const goodForMs = 30_000
const mostRemembered = 100_000

/** Seals votes, and takes each of them once. */
export class Seals {
  readonly #keys: Readonly<Record<SealedVote['via'], readonly Buffer[]>>
  readonly #clock: Clock
  readonly #taken: BoundedMap<string, true>

  constructor({ apiToken, linkSecrets, clock }: SealsParts) {
    this.#keys = { api: apiToken === undefined ? [] : [keyOf(apiToken)], link: linkSecrets.map(keyOf) }
    this.#clock = clock
    this.#taken = new BoundedMap({ maxEntries: mostRemembered, maxAgeMs: 2 * goodForMs }, clock)
  }

  /** Undefined where there is no secret to seal it with. */
  seal(approvalId: string, { approver, decision, comment, via }: Ballot): SealedVote | undefined {
    if (via === 'nats' || this.#keys[via].length === 0) return undefined
    const fields = { approvalId, decision, approver, comment, via, at: this.#clock.now() }
    const vote = { ...fields, nonce: crypto.randomUUID() }
    return { ...vote, seals: this.#keys[via].map((key) => sealOf(key, vote)) }
  }

  /** The vote that was sealed; undefined when it was sealed by nobody who may, too long ago, or has been taken before. */
  take(vote: SealedVote): Ballot | undefined {
    const { approver, decision, comment, via, at, nonce, seals } = vote
    const isSealed = this.#keys[via].some((key) => seals.some((seal) => isSameText(seal, sealOf(key, vote))))
    if (!isSealed || Math.abs(this.#clock.now() - at) > goodForMs || this.#taken.get(nonce) === true) return undefined
    this.#taken.set(nonce, true)
    return { approver, decision, comment: comment ?? undefined, via }
  }
}

/** Not the secret itself, so that a seal is good for nothing else that the secret signs. */
function keyOf(secret: string): Buffer {
  return createHmac('sha256', secret).update('beamline approval relay').digest()
}

function sealOf(key: Buffer, vote: Omit<SealedVote, 'seals'>): string {
  const { approvalId, decision, approver, comment, via, at, nonce } = vote
  const told = JSON.stringify([approvalId, decision, approver, comment ?? null, via, at, nonce])
  return createHmac('sha256', key).update(told).digest('base64url')
}
