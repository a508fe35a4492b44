/** The values that jobs name without knowing them: from the environment or from files, each for certain hosts and tenants. */
import type { Config } from '../../config/schema.ts'
import { JobError } from '../../errors.ts'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Clock } from '../../lib/clock.ts'
import { HostPatterns } from '../../lib/host-pattern.ts'
import type { Mask, Masks } from '../../lib/secret-mask.ts'
import { shortestSecret } from '../../lib/secret-set.ts'
import { KnownSecrets, type Users } from './known-secrets.ts'
import { readSecret, type SecretText, secretsIn } from './secret-folder.ts'
import { isSecretName, variableName } from './secret-name.ts'

/** What a secret is wanted for: by whom, and where it would go. */
interface SecretUse {
  readonly tenantId: string
  readonly host: string
  readonly port: number
}

/** Hands out secrets, and masks them from then on. */
export interface Secrets extends Masks, AsyncDisposable {
  /** Masks a configured value that jobs use without seeing it, for these tenants and in the log, from now on. */
  guard(value: string, users: Users): void
  /**
   * Masks a value for this tenant that a secret of its was exchanged for, such as a token; to be called each time that
   * it is used. It has 16 to 16,384 characters; those longest not used are forgotten: beyond 64, or 65,536 characters.
   */
  learn(tenantId: string, value: string): void
  /**
   * The value, for a tenant that may use it and a place it may be sent to. Rejects with PERMISSION_DENIED naming the
   * secret, never its value; `details.reason` is `missing` (also when only other tenants may use it), `unreadable`,
   * `too_short`, `hosts_unset` or `host`.
   */
  reveal(name: string, use: SecretUse): Promise<string>
}

type Settings = Config['secrets']
type Rule = Settings['named'] extends ReadonlyMap<string, infer R> ? R : never

const refusals = {
  missing: { reason: 'missing', message: 'The secret is not there, or not for this tenant' },
  unreadable: { reason: 'unreadable', message: 'The secret cannot be read' },
  tooShort: { reason: 'too_short', message: 'The secret is too short to be kept out of results and logs' },
  hostsUnset: { reason: 'hosts_unset', message: 'The secret may be sent nowhere, as its hosts are not set' },
  host: { reason: 'host', message: 'The secret may not be sent to this host' },
} as const

/** How long a file is not read again: secrets are rotated by writing new files. */
const remembered = { maxEntries: 1000, maxAgeMs: 10_000 }

/** Opens the secrets of these settings; disposing forgets what was read from files. Rejects with ConfigError when the folder of secrets cannot be read. */
export async function openSecrets(settings: Settings, clock: Clock): Promise<Secrets> {
  const secrets = new OpenSecrets(settings, clock)
  // Read before the first use: a server may send back what another process sent it.
  const names = settings.dir === undefined ? [] : await secretsIn(settings.dir)
  await Promise.all(names.map((name) => secrets.read(name)))
  return secrets
}

class OpenSecrets implements Secrets {
  readonly #known: KnownSecrets
  readonly #settings: Settings
  readonly #clock: Clock
  #files: BoundedMap<string, SecretText>
  readonly #hosts: ReadonlyMap<string, HostPatterns>

  constructor(settings: Settings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#files = new BoundedMap(remembered, clock)
    this.#hosts = new Map(
      [...settings.named].flatMap(([name, { hosts }]) =>
        hosts === undefined ? [] : [[name, new HostPatterns(hosts)]],
      ),
    )
    this.#known = new KnownSecrets(clock)
    for (const rule of settings.named.values()) if (rule.value !== undefined) this.#known.add(rule.value, usersOf(rule))
  }

  get mask(): Mask {
    return this.#known.mask
  }

  maskFor(tenantId: string): Mask {
    return this.#known.maskFor(tenantId)
  }

  guard(value: string, users: Users): void {
    this.#known.add(value, users)
  }

  learn(tenantId: string, value: string): void {
    this.#known.learn(tenantId, value)
  }

  async reveal(name: string, use: SecretUse): Promise<string> {
    const key = variableName(name)
    const rule = this.#settings.named.get(key)
    // Whoever may not use it must not learn that it is there.
    const value = isSecretName(name) && isFor(rule, use.tenantId) ? await this.#read(name, rule) : 'missing'
    if (typeof value === 'string') throw denied(name, refusals[value])
    if (value.text.length < shortestSecret) throw denied(name, refusals.tooShort)
    const hosts = this.#hosts.get(key)
    if (hosts === undefined) throw denied(name, refusals.hostsUnset, { setting: `SECRET_${key}_HOSTS` })
    if (!hosts.matches(use.host, use.port)) throw denied(name, refusals.host, { host: use.host })
    return value.text
  }

  /** Has the mask know what the file of this name holds, unless a variable stands for it. */
  async read(name: string): Promise<void> {
    await this.#read(name, this.#settings.named.get(variableName(name)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files = new BoundedMap(remembered, this.#clock)
  }

  /** The environment wins over the file. */
  async #read(name: string, rule: Rule | undefined): Promise<SecretText> {
    const { dir } = this.#settings
    if (rule?.value !== undefined) return { text: rule.value }
    if (dir === undefined) return 'missing'
    const known = this.#files.get(name)
    if (known !== undefined) return known
    const read = await readSecret(dir, name)
    if (typeof read === 'string') return read
    this.#known.add(read.text, usersOf(rule))
    this.#files.set(name, read)
    return read
  }
}

function isFor(rule: Rule | undefined, tenantId: string): boolean {
  return rule?.tenants?.includes(tenantId) ?? true
}

/** A secret without hosts can be used by nobody. */
function usersOf(rule: Rule | undefined): Users {
  if (rule?.hosts === undefined) return []
  return rule.tenants ?? 'all'
}

function denied(
  secret: string,
  { reason, message }: (typeof refusals)[keyof typeof refusals],
  more: Readonly<Record<string, string>> = {},
): JobError {
  return new JobError('PERMISSION_DENIED', message, { details: { secret, reason, ...more }, unsent: true })
}
