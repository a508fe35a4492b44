import { z } from 'zod'
import { nameProblem } from './header-rules.ts'
import { secretValue } from './secret-value.ts'

/** `auth` of an input. */
export const authField = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('bearer'), token: secretValue }),
    z.strictObject({ type: z.literal('basic'), username: secretValue, password: secretValue }),
    z
      .strictObject({
        type: z.literal('api_key'),
        name: z.string().min(1),
        value: secretValue,
        in: z.enum(['header', 'query']).default('header'),
      })
      .refine((auth) => auth.in === 'query' || nameProblem(auth.name) === undefined, {
        path: ['name'],
        error: 'Not the name of a header that may be set',
      }),
    z.strictObject({
      type: z.literal('oauth2_client_credentials'),
      token_url: z.string().refine((text) => URL.canParse(text), { error: 'Not an absolute URL' }),
      client_id: secretValue,
      client_secret: secretValue,
      scope: z.string().nullish(),
    }),
  ])
  .describe(
    '`{type: "bearer", token}`, `{type: "basic", username, password}`, `{type: "api_key", name, value, in: header or query}` or `{type: "oauth2_client_credentials", token_url, client_id, client_secret, scope}`; each value a text or `{"secret":"NAME"}`.',
  )

/** What a job says about its credentials. */
export type Auth = z.infer<typeof authField>

/** The header that they go into; undefined when it is none. */
export function authHeader(auth: Auth): string | undefined {
  if (auth.type !== 'api_key') return 'authorization'
  return auth.in === 'header' ? auth.name : undefined
}
