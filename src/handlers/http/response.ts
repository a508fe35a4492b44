/** From an answer to what a job's output says of it. */
import { z } from 'zod'
import { JobError } from '../../errors.ts'
import type { JobContext } from '../../handler.ts'
import { mostJsonValues, readAtOnce } from '../../lib/json-content.ts'
import { jsonShape } from '../../lib/json-nesting.ts'
import type { Mask } from '../../lib/secret-mask.ts'
import type { Turns } from '../../lib/turns.ts'
import type { Answer } from '../../services/fetch/fetch.ts'
import { decoderFor, isUtf8, kindOf } from './media-type.ts'

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
      'JSON when the content type says so, else text, also where the type says neither that nor bytes and the bytes are text; empty when there is no body.',
    ),
  body_base64: z
    .string()
    .optional()
    .describe('The body in base64, instead of `body`, when it is neither JSON nor text.'),
  latency_ms: z.int().describe('How long this try took, in milliseconds.'),
  url: z.string().describe('Where the response came from, after redirects.'),
  attempts: z.int().describe('Tries so far, this one included.'),
  saved: z
    .object({ path: z.string(), size: z.int(), sha256: z.string() })
    .optional()
    .describe('Where the body is, instead of `body`, when `save_to` was asked for and the response had new content.'),
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
  readonly withBody: boolean
  /** JSON of too many values is shown as text instead of failing: there is another error to tell. */
  readonly asText: boolean
}

/** An answer as an output, without `value`. Throws as `jsonOf` does. */
export function outputOf(answer: Answer, { latencyMs, attempt, mask, withBody, asText }: Telling): HttpOutput {
  const { status, headers, url } = answer
  return {
    status,
    status_code: status,
    headers: headersOf(headers),
    ...(withBody ? bodyOf(answer, mask, asText) : {}),
    latency_ms: Math.round(latencyMs),
    url: url.href.replace(/#.*$/s, ''),
    attempts: attempt,
  }
}

/** The same output for those who do not want to see the body. */
export function withoutBody({ body: _, body_base64: __, ...rest }: HttpOutput): HttpOutput {
  return rest
}

/** Waits until an answer may be read: large ones one after another, so that everything else has its turn between them. */
export async function turnFor(
  { body }: Answer,
  turns: Turns,
  { clock, signal }: Pick<JobContext, 'clock' | 'signal'>,
): Promise<void> {
  if (body.length <= readAtOnce) return
  await turns.next(clock)
  signal.throwIfAborted()
}

/** The text of an answer, read as its content type says. */
export function textOf({ body, headers }: Answer): string {
  return decoderFor(headers).decode(body)
}

/**
 * The value of an answer whose text is JSON; undefined when it is none, or nested so deeply that it could hardly be
 * written again. Throws QUOTA_EXCEEDED when it holds more than 200,000 values.
 */
export function jsonOf({ status, headers, body }: Answer, text: string): { readonly value: unknown } | undefined {
  const shape = jsonShape(isUtf8(headers) ? body : new TextEncoder().encode(text), mostJsonValues)
  if (shape === 'wide') {
    const details = { reason: 'values', limit: mostJsonValues, status }
    throw new JobError('QUOTA_EXCEEDED', 'The response holds more values than are read', { details })
  }
  if (shape === 'deep') return undefined
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

/** The same, but undefined also where there are too many values. */
export function jsonOrText(answer: Answer, text: string): { readonly value: unknown } | undefined {
  try {
    return jsonOf(answer, text)
  } catch {
    return undefined
  }
}

function headersOf(headers: Headers): HttpOutput['headers'] {
  const joined: [string, string | string[]][] = [...headers].filter(([name]) => name !== 'set-cookie')
  const cookies = headers.getSetCookie()
  return Object.fromEntries(cookies.length === 0 ? joined : [...joined, ['set-cookie', cookies]])
}

function bodyOf(answer: Answer, mask: Mask, asText: boolean): Pick<HttpOutput, 'body' | 'body_base64'> {
  const { body, headers } = answer
  if (body.length === 0) return { body: '' }
  const kind = kindOf(headers)
  if (kind === 'json') {
    const text = textOf(answer)
    const json = asText ? jsonOrText(answer, text) : jsonOf(answer, text)
    return { body: json === undefined ? text : json.value }
  }
  if (kind === 'text') return { body: textOf(answer) }
  const text = kind === 'bytes' ? undefined : strictText(body)
  return text === undefined ? { body_base64: mask.bytes(body).toBase64() } : { body: text }
}

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
