/** The body of a request, in each of the ways in which a job can give one. */
import { z } from 'zod'
import { JobError } from '../../errors.ts'
import { encodeMultipart, multipartField } from './multipart.ts'
import { fieldsUpTo, pairsOf } from './url.ts'

/** Bytes, and what they are. */
export interface Body {
  readonly bytes: Uint8Array
  readonly contentType: string
}

/** The fields of an input that hold a body; at most one of them may be there. */
export const bodyFields = {
  body: z.unknown().optional().describe('A text is sent as it is, any other JSON as application/json.'),
  form: fieldsUpTo(10_000)
    .optional()
    .describe('Names and values, sent as application/x-www-form-urlencoded; an array repeats its name.'),
  multipart: multipartField
    .optional()
    .describe(
      'Parts of a multipart/form-data body: an array of `{name, value or content (text) or content_base64, filename, content_type}`, or an object of names with texts, numbers, booleans or such parts.',
    ),
  body_base64: z.string().optional().describe('Bytes in base64, sent as they are.'),
}

/** What the fields of a body hold. */
export type BodyInput = z.output<z.ZodObject<typeof bodyFields>>

const encoder = new TextEncoder()

/** The names of those fields that an input has. */
export function givenBodies(input: BodyInput): readonly string[] {
  return Object.keys(bodyFields).filter((name) => Reflect.get(input, name) !== undefined)
}

/** The body that an input gives. Throws BASE64_DECODE_ERROR. */
export function bodyOf({ body, form, multipart, body_base64: base64 }: BodyInput): Body | undefined {
  if (form !== undefined) {
    const text = new URLSearchParams(pairsOf(form)).toString()
    return { bytes: encoder.encode(text), contentType: 'application/x-www-form-urlencoded' }
  }
  if (multipart !== undefined) return encodeMultipart(multipart, decodeBase64)
  if (base64 !== undefined) {
    return { bytes: decodeBase64(base64, 'body_base64'), contentType: 'application/octet-stream' }
  }
  return bodyOfValue(body)
}

/** A text as it is, other JSON as JSON, no body for null and undefined. */
export function bodyOfValue(value: unknown): Body | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return { bytes: encoder.encode(value), contentType: 'text/plain;charset=UTF-8' }
  return { bytes: encoder.encode(JSON.stringify(value)), contentType: 'application/json' }
}

function decodeBase64(text: string, field: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' })
  } catch (cause) {
    throw new JobError('BASE64_DECODE_ERROR', 'The bytes are not base64', { details: { field }, unsent: true, cause })
  }
}
