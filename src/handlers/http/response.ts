/** From an answer to what a job's output says of it. */
import { z } from 'zod'
import { isNestedTooDeeply } from '../../lib/json-nesting.ts'
import type { Mask } from '../../lib/secret-mask.ts'
import type { Answer } from '../../services/fetch/fetch.ts'

/** The output of an HTTP job. */
export const httpOutput = z.object({
  status: z.int().describe('The status of the response.'),
  status_code: z.int().describe('The same.'),
  headers: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .describe(
      'The headers of the response by their names in lower case; `set-cookie` is an array, several of another name are joined with commas.',
    ),
  body: z
    .unknown()
    .optional()
    .describe(
      'JSON when the content type says so, else text, also where no type is given but the bytes are text; empty when there is no body.',
    ),
  body_base64: z
    .string()
    .optional()
    .describe('The body in base64, instead of `body`, when it is neither JSON nor text.'),
  latency_ms: z.int().describe('How long this try took, in milliseconds.'),
  url: z.string().describe('Where the response came from, after redirects.'),
  attempts: z.int().describe('Tries so far, this one included.'),
  value: z.unknown().optional().describe('What `transform.response` made of the response.'),
})

/** The output of an HTTP job. */
export type HttpOutput = z.infer<typeof httpOutput>

/** What an answer is told with. */
export interface Telling {
  readonly latencyMs: number
  readonly attempt: number
  /** Whatever is encoded here could not be masked any more from outside. */
  readonly mask: Mask
}

/** An answer as an output, without `value`. */
export function outputOf(answer: Answer, { latencyMs, attempt, mask }: Telling): HttpOutput {
  const { status, headers, url } = answer
  return {
    status,
    status_code: status,
    headers: headersOf(headers),
    ...bodyOf(answer, mask),
    latency_ms: Math.round(latencyMs),
    url: url.href.replace(/#.*$/s, ''),
    attempts: attempt,
  }
}

/** The text of an answer, read as its content type says. */
export function textOf({ body, headers }: Answer): string {
  return decoderFor(headers.get('content-type') ?? '').decode(body)
}

/** The value of JSON text; undefined when it is none, or nested so deeply that it could hardly be written again. */
export function parsedJson(text: string, bytes: Uint8Array): { readonly value: unknown } | undefined {
  if (isNestedTooDeeply(bytes)) return undefined
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

function headersOf(headers: Headers): HttpOutput['headers'] {
  const joined: [string, string | string[]][] = [...headers].filter(([name]) => name !== 'set-cookie')
  const cookies = headers.getSetCookie()
  return Object.fromEntries(cookies.length === 0 ? joined : [...joined, ['set-cookie', cookies]])
}

function bodyOf(answer: Answer, mask: Mask): Pick<HttpOutput, 'body' | 'body_base64'> {
  const { body, headers } = answer
  if (body.length === 0) return { body: '' }
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (isJson.test(type)) {
    const text = textOf(answer)
    const parsed = parsedJson(text, body)
    return { body: parsed === undefined ? text : parsed.value }
  }
  if (isText.test(type)) return { body: textOf(answer) }
  const text = isUnspecific.test(type) ? strictText(body) : undefined
  return text === undefined ? { body_base64: mask.bytes(body).toBase64() } : { body: text }
}

const isJson = /^(application|text)\/json$|\+json$/
const isText =
  /^text\/|^application\/((x-)?(xml|javascript|ecmascript|yaml|ndjson|jsonl|www-form-urlencoded)|graphql|toml|sql)$|\+(xml|yaml)$/
/** It says nothing of what is inside: then the bytes have to. */
const isUnspecific = /^$|^(application|binary)\/octet-stream$/

const utf8 = new TextDecoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Undefined unless it is UTF-8 without control characters that no text has. */
function strictText(body: Uint8Array): string | undefined {
  try {
    const text = strictUtf8.decode(body)
    return /[^\P{Cc}\t\n\f\r]/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** UTF-8 unless the content type names another encoding that is known. */
function decoderFor(contentType: string): TextDecoder {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]
  if (charset === undefined || /^utf-?8$/i.test(charset)) return utf8
  try {
    // The types of Bun know fewer encodings than Bun does.
    return new TextDecoder(charset as 'utf-8')
  } catch {
    return utf8
  }
}
