import { z } from 'zod'
import { fieldsOf, textUpTo } from './bounded.ts'
import { headerLimits, nameProblem } from './header-rules.ts'
import { secretValue } from './secret-value.ts'
import { urlText } from './url.ts'

/** `auth` of an input. */
export const authField = fieldsOf(
  z.discriminatedUnion(
    'type',
    [
      z.strictObject({ type: z.literal('bearer'), token: secretValue }),
      z.strictObject({ type: z.literal('basic'), username: secretValue, password: secretValue }),
      z
        .strictObject({
          type: z.literal('api_key'),
          name: textUpTo(headerLimits.name).min(1),
          value: secretValue,
          in: z.enum(['header', 'query']).default('header'),
        })
        .refine((auth) => auth.in === 'query' || nameProblem(auth.name) === undefined, {
          path: ['name'],
          error: 'Not the name of a header that can be set',
        }),
      z.strictObject({
        type: z.literal('oauth2_client_credentials'),
        token_url: urlText,
        client_id: secretValue,
        client_secret: secretValue,
        scope: textUpTo(headerLimits.value).optional(),
      }),
    ],
    { error: 'Not an object whose type is bearer, basic, api_key or oauth2_client_credentials' },
  ),
).describe(
  '`{type: "bearer", token}`, `{type: "basic", username, password}`, `{type: "api_key", name, value, in: header or query}` or `{type: "oauth2_client_credentials", token_url, client_id, client_secret, scope}`; each value a text or `{"secret":"NAME"}`.',
)

/** What a job says about its credentials. */
export type Auth = z.output<typeof authField>

/** The header that they go into; undefined when it is none. */
export function authHeader(auth: Auth): string | undefined {
  if (auth.type !== 'api_key') return 'authorization'
  return auth.in === 'header' ? auth.name : undefined
}
