/** From what a job says about its credentials to what is sent. */
import type { OauthTokens, Token, TokenRequest } from '../../services/oauth-tokens.ts'
import type { Secrets } from '../../services/secrets/secrets.ts'
import type { Auth } from './auth-input.ts'
import { valueProblem } from './header-rules.ts'
import { invalidInput } from './input-error.ts'
import { type Reveal, revealer } from './secret-value.ts'

/** What a request carries to say who asks. */
export interface Credentials {
  readonly header?: readonly [name: string, value: string]
  readonly query?: readonly [name: string, value: string]
  /** The token in the header, when it was issued for it. */
  readonly issued?: { readonly request: TokenRequest; readonly token: Token }
}

/** For whom, and with what. */
export interface AuthContext {
  readonly tenantId: string
  readonly signal: AbortSignal
  readonly secrets: Secrets
  readonly oauthTokens: OauthTokens
  /** For values that go where the request goes. */
  readonly reveal: Reveal
}

/**
 * The credentials of a request. A token bought with a secret is masked for the tenant before it is returned. Rejects with
 * PERMISSION_DENIED, INVALID_INPUT or what asking for a token ended with; nothing of the request has been sent.
 */
export async function credentialsFor(auth: Auth, context: AuthContext): Promise<Credentials> {
  const { reveal } = context
  switch (auth.type) {
    case 'bearer': {
      const token = await reveal(auth.token)
      return inHeader('authorization', `Bearer ${token.text}`, 'auth.token')
    }
    case 'basic': {
      const [username, password] = await Promise.all([reveal(auth.username), reveal(auth.password)])
      if (username.text.includes(':')) throw invalidInput('auth.username', 'Holds a colon, which would end it')
      const pair = Buffer.from(`${username.text}:${password.text}`).toString('base64')
      return inHeader('authorization', `Basic ${pair}`, 'auth')
    }
    case 'api_key': {
      const { text } = await reveal(auth.value)
      return auth.in === 'header' ? inHeader(auth.name, text, 'auth.value') : { query: [auth.name, text] }
    }
    case 'oauth2_client_credentials':
      return withToken(auth, context)
    default:
      return auth satisfies never
  }
}

async function withToken(
  auth: Auth & { readonly type: 'oauth2_client_credentials' },
  { tenantId, signal, secrets, oauthTokens, reveal: revealToRequest }: AuthContext,
): Promise<Credentials> {
  const url = new URL(auth.token_url)
  // What they buy goes where the request goes, and is worth as much as they are.
  await Promise.all([revealToRequest(auth.client_id), revealToRequest(auth.client_secret)])
  // They themselves go to the token endpoint, and to it alone.
  const reveal = revealer(secrets, tenantId, url)
  const [id, secret] = await Promise.all([reveal(auth.client_id), reveal(auth.client_secret)])
  const request: TokenRequest = {
    tenantId,
    url,
    clientId: id.text,
    clientSecret: secret.text,
    scope: auth.scope ?? undefined,
    isConfidential: id.isSecret || secret.isSecret,
  }
  const token = await oauthTokens.get(request, signal)
  return { ...inHeader('authorization', `Bearer ${token.value}`, 'auth'), issued: { request, token } }
}

function inHeader(name: string, value: string, field: string): Credentials {
  const problem = valueProblem(value)
  if (problem !== undefined) throw invalidInput(field, problem)
  return { header: [name, value] }
}
