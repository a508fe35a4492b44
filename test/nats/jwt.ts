import { nkeys } from '@nats-io/nats-core'

type KeyPair = ReturnType<typeof nkeys.createUser>

/** An operator with one account and one user, made up for a test. */
export interface MadeUpOperator {
  /** The server's part of it. */
  readonly serverConfig: string
  /** The user's credentials file. */
  readonly creds: string
}

const text = new TextDecoder()

/** Makes keys and tokens as the NATS tools do. */
export function madeUpOperator(): MadeUpOperator {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()]
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }
  const operatorToken = token(operator, operator, { type: 'operator', version: 2 })
  const accountToken = token(account, operator, { type: 'account', version: 2, limits })
  const userToken = token(user, account, { type: 'user', version: 2, subs: -1, data: -1, payload: -1 })
  return {
    serverConfig: `operator: ${operatorToken}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountToken} }\n`,
    creds: [
      '-----BEGIN NATS USER JWT-----',
      userToken,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      text.decode(user.getSeed()),
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  }
}

/** A user that is known by its key alone. */
export function madeUpKey(): { readonly publicKey: string; readonly seed: string } {
  const user = nkeys.createUser()
  return { publicKey: user.getPublicKey(), seed: text.decode(user.getSeed()) }
}

function token(subject: KeyPair, issuer: KeyPair, nats: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: 'test',
    nats,
  }
  const signed = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`
  return `${signed}.${Buffer.from(issuer.sign(new TextEncoder().encode(signed))).toString('base64url')}`
}
