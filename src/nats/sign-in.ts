/** How a connection is made: addresses, identity and TLS, read from the settings and the files that they name. */
import { readFile } from 'node:fs/promises'
import { type ConnectionOptions, credsAuthenticator, nkeyAuthenticator, nkeys } from '@nats-io/nats-core'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'

type NatsSettings = Config['nats']
type SignIn = Pick<ConnectionOptions, 'servers' | 'authenticator' | 'token' | 'user' | 'pass' | 'tls'>

/** Where to connect to and as whom. Throws ConfigError with every file that cannot be read and every seed that is none. */
export async function readSignIn(settings: NatsSettings): Promise<SignIn> {
  const problems: string[] = []
  const read = async (variable: string, path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined
    try {
      return await readFile(path, 'utf8')
    } catch {
      problems.push(`${variable}: the file ${path} cannot be read`)
      return undefined
    }
  }
  const addresses = settings.servers.map(parseAddress)
  const [creds, ca, cert, key] = await Promise.all([
    read('NATS_CREDS', settings.credsFile),
    read('NATS_TLS_CA', settings.tlsCa),
    read('NATS_TLS_CERT', settings.tlsCert),
    read('NATS_TLS_KEY', settings.tlsKey),
  ])
  const authenticators = [
    ...(creds === undefined ? [] : fromCreds(creds, problems)),
    ...(settings.nkeySeed === undefined ? [] : fromSeed(settings.nkeySeed, problems)),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(settings.tlsFirst ? { handshakeFirst: true } : {}),
  }
  const wantsTls = Object.keys(tls).length > 0 || addresses.some((address) => address.tls)
  return {
    servers: addresses.map((address) => address.host),
    ...(authenticators.length > 0 ? { authenticator: authenticators } : {}),
    ...identity(settings, addresses),
    ...(wantsTls ? { tls } : {}),
  }
}

interface Address {
  readonly host: string
  readonly tls: boolean
  readonly user?: string
  readonly pass?: string
  readonly token?: string
}

/** The client reads neither the scheme nor the userinfo of an address, so both are taken off here. */
function parseAddress(text: string): Address {
  const match = /^(?:([a-z]+):\/\/)?(?:(.*)@)?([^/]*)/i.exec(text.trim())
  const [, scheme = 'nats', userinfo, host = ''] = match ?? []
  const tls = scheme.toLowerCase() === 'tls'
  if (userinfo === undefined) return { host, tls }
  const colon = userinfo.indexOf(':')
  if (colon < 0) return { host, tls, token: decode(userinfo) }
  return { host, tls, user: decode(userinfo.slice(0, colon)), pass: decode(userinfo.slice(colon + 1)) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function identity(settings: NatsSettings, addresses: readonly Address[]): Pick<SignIn, 'token' | 'user' | 'pass'> {
  const named = addresses.find((address) => address.user !== undefined || address.token !== undefined)
  const token = settings.token ?? named?.token
  const user = settings.user ?? named?.user
  const pass = settings.user === undefined ? named?.pass : settings.password
  return {
    ...(token === undefined ? {} : { token }),
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
  }
}

function fromCreds(text: string, problems: string[]): ReturnType<typeof credsAuthenticator>[] {
  try {
    const authenticator = credsAuthenticator(new TextEncoder().encode(text))
    authenticator('nonce')
    return [authenticator]
  } catch {
    problems.push('NATS_CREDS: the file holds no valid credentials')
    return []
  }
}

function fromSeed(text: string, problems: string[]): ReturnType<typeof nkeyAuthenticator>[] {
  try {
    const seed = new TextEncoder().encode(text.trim())
    nkeys.fromSeed(seed)
    return [nkeyAuthenticator(seed)]
  } catch {
    problems.push('NATS_NKEY_SEED: not an NKey seed')
    return []
  }
}
