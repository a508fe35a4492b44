/** `multipart/form-data` (RFC 7578), with names escaped as browsers do. */
import { z } from 'zod'
import { entriesOf, fieldsOf } from './bounded.ts'

const mostParts = 1000

/** Wrong parts that are told; the rest is not looked at. */
const mostIssues = 20

const contents = { error: 'A part has one of value, content and content_base64' }

const partFields = {
  value: z.union([z.string(), z.number(), z.boolean()], { error: 'Not a text, number or boolean' }).optional(),
  content: z.string().optional(),
  content_base64: z.string().optional(),
  filename: z.string().optional(),
  content_type: z
    .string()
    .regex(/^[\x21-\x7e]+\/[\x20-\x7e]+$/, { error: 'Not a content type' })
    .optional(),
}
type Part = z.output<z.ZodObject<typeof partFields>>

const listed = fieldsOf(
  z.strictObject({ name: z.string(), ...partFields }, { error: not('a part') }).refine(holdsOne, contents),
)
const byName = fieldsOf(
  z.strictObject(partFields, { error: not('a text, number, boolean or part') }).refine(holdsOne, contents),
)

/** A part, and where in the input it stands. */
interface PlacedPart extends Part {
  readonly name: string
  readonly place: string
}

/** `multipart` of an input. A union of the two forms would not say what is wrong with which part. */
export const multipartField = z.unknown().transform((given, context): readonly PlacedPart[] => {
  if (typeof given !== 'object' || given === null) return refuse('Not a list or object of parts')
  if (entriesOf(given) > mostParts) return refuse(`At most ${mostParts} parts`)
  const isList = Array.isArray(given)
  const parts: PlacedPart[] = []
  for (const [place, each] of Object.entries(given).filter(([, part]) => isList || part !== null)) {
    const { data, error } = isList ? listed.safeParse(each) : byName.safeParse(asPart(each))
    for (const issue of error?.issues ?? []) context.addIssue({ ...issue, path: [place, ...issue.path] })
    if (context.issues.length >= mostIssues) break
    if (data !== undefined) parts.push({ name: place, ...data, place })
  }
  return parts

  function refuse(problem: string): readonly PlacedPart[] {
    context.addIssue(problem)
    return []
  }
})

type DecodeBase64 = (text: string, field: string) => Uint8Array

/** The parts as one body, in their order. `decodeBase64` is told where a text stands, and may throw. */
export function encodeMultipart(
  parts: readonly PlacedPart[],
  decodeBase64: DecodeBase64,
): { readonly bytes: Uint8Array; readonly contentType: string } {
  const boundary = `beamline-${crypto.randomUUID()}`
  const chunks = parts.flatMap((part) => {
    const content =
      part.content_base64 === undefined
        ? String(part.value ?? part.content ?? '')
        : decodeBase64(part.content_base64, `multipart.${part.place}.content_base64`)
    return [`--${boundary}\r\n${head(part)}\r\n\r\n`, content, '\r\n']
  })
  return {
    bytes: Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk))),
    contentType: `multipart/form-data; boundary=${boundary}`,
  }
}

function head({ name, filename, content_type: given, content_base64: base64 }: PlacedPart): string {
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

/** The short form has a value in place of a part that is no more than that. */
function asPart(given: unknown): unknown {
  return ['string', 'number', 'boolean'].includes(typeof given) ? { value: given } : given
}

function holdsOne({ value, content, content_base64: base64 }: Part): boolean {
  return [value, content, base64].filter((each) => each !== undefined).length === 1
}

function not(what: string): (issue: { readonly code: string }) => string | undefined {
  return ({ code }) => (code === 'invalid_type' ? `Not ${what}` : undefined)
}
