/** `multipart/form-data` (RFC 7578), with names escaped as browsers do. */
import { z } from 'zod'

const partFields = {
  value: z.union([z.string(), z.number(), z.boolean()]).optional(),
  content: z.string().optional(),
  content_base64: z.string().optional(),
  filename: z.string().optional(),
  content_type: z
    .string()
    .regex(/^[\x21-\x7e]+\/[\x20-\x7e]+$/, { error: 'Not a content type' })
    .optional(),
}
const parts = z.strictObject(partFields)
const part = parts.refine(holdsOne, { error: 'A part has one of value, content, content_base64' })
const namedPart = z
  .strictObject({ name: z.string(), ...partFields })
  .refine(holdsOne, { error: 'A part has one of value, content, content_base64' })

type Part = z.infer<typeof parts>

/** `multipart` of an input. */
export const multipartField = z.union([z.array(namedPart), z.record(z.string(), z.union([z.string(), part]))])

type DecodeBase64 = (text: string, field: string) => Uint8Array

/** The parts as one body, in their order. `decodeBase64` is told where a text stands, and may throw. */
export function encodeMultipart(
  multipart: z.infer<typeof multipartField>,
  decodeBase64: DecodeBase64,
): { readonly bytes: Uint8Array; readonly contentType: string } {
  const parts = Array.isArray(multipart) ? multipart : Object.entries(multipart).map(named)
  const boundary = `beamline-${crypto.randomUUID()}`
  const chunks = parts.flatMap((each, index) => {
    const content =
      each.content_base64 === undefined
        ? String(each.value ?? each.content ?? '')
        : decodeBase64(each.content_base64, `multipart.${index}.content_base64`)
    return [`--${boundary}\r\n${head(each)}\r\n\r\n`, content, '\r\n']
  })
  return {
    bytes: Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk))),
    contentType: `multipart/form-data; boundary=${boundary}`,
  }
}

function named([name, value]: readonly [string, string | Part]): z.infer<typeof namedPart> {
  return typeof value === 'string' ? { name, value } : { name, ...value }
}

function head({ name, filename, content_type: given, content_base64: base64 }: z.infer<typeof namedPart>): string {
  const ofFile = base64 === undefined ? 'text/plain;charset=UTF-8' : 'application/octet-stream'
  const type = given ?? (filename === undefined ? undefined : ofFile)
  const lines = [
    `Content-Disposition: form-data; name="${escaped(name)}"`,
    ...(filename === undefined ? [] : [`; filename="${escaped(filename)}"`]),
    ...(type === undefined ? [] : [`\r\nContent-Type: ${type}`]),
  ]
  return lines.join('')
}

function escaped(text: string): string {
  return text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function holdsOne({ value, content, content_base64: base64 }: Part): boolean {
  return [value, content, base64].filter((each) => each !== undefined).length === 1
}
