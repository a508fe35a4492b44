import { z } from 'zod'
import { httpMethods } from '../../lib/http-method.ts'
import { bodyFields, givenBodies } from './body.ts'
import { headerNamed } from './header-input.ts'
import { addProblems, type Problem } from './input-error.ts'
import { type OutgoingLimits, requestFields, requestInput, requestProblems } from './request-input.ts'
import { saveField } from './save.ts'
import { transformField } from './transform.ts'
import { fieldsUpTo } from './url.ts'

const methods: ReadonlySet<string> = new Set(httpMethods)
const bodiless = new Set(['GET', 'HEAD'])

/** Whether a request with this method, in any case, has no body. */
export function isBodiless(method: string): boolean {
  return bodiless.has(method.toUpperCase())
}

/** The input of an HTTP job, under these limits. */
export function httpInput(limits: OutgoingLimits) {
  const checked = httpFields(limits).superRefine((input, context) =>
    addProblems([...requestProblems(input), ...bodyProblems(input), ...saveProblems(input)], context),
  )
  return requestInput(checked)
}

/** What it does not know is kept for `transform.request`. */
function httpFields(limits: OutgoingLimits) {
  const { url, ...rest } = requestFields(limits)
  return z.looseObject({
    url,
    method: z
      .string()
      .refine((method) => methods.has(method.toUpperCase()), { error: 'Not a method that can be sent' })
      .default('GET')
      .describe(`In any case: ${httpMethods.join(', ')}.`),
    query: fieldsUpTo(1000)
      .optional()
      .describe('Names and values added to the query of the URL; an array repeats its name, null is left out.'),
    ...bodyFields,
    transform: transformField
      .optional()
      .describe(
        '`{request, response}`, JMESPath: `request` over `{input}` makes the body (a text is sent as it is, any other value as JSON), `response` over `{status, headers, body}` makes `value`.',
      ),
    save_to: saveField
      .optional()
      .describe(
        'Where in the file store the body goes instead of the output: a path, or `{path, overwrite (true), if_sha256, content_type, metadata, ttl_seconds}` as for `fs_blob_put`.',
      ),
    include_body: z
      .boolean()
      .default(true)
      .describe('False leaves `body` and `body_base64` out of the output, for when `value` is all that is wanted.'),
    ...rest,
  })
}

/** A checked input. */
export type HttpInput = z.output<ReturnType<typeof httpFields>>

function bodyProblems(input: HttpInput): readonly Problem[] {
  const { method, transform, multipart } = input
  const [first, ...others] = [
    // Some clients always send the field: an empty text is no body where there can be none.
    ...givenBodies(isBodiless(method) && input.body === '' ? { ...input, body: undefined } : input).map((name) => [
      name,
    ]),
    ...(transform?.request === undefined ? [] : [['transform', 'request']]),
  ]
  if (first === undefined) return []
  const type = multipart && headerNamed(input.headers, 'content-type')
  return [
    ...others.map((path) => ({ path, problem: `There is a body already, in ${first.join('.')}` })),
    ...(isBodiless(method) ? [{ path: first, problem: 'A request with this method cannot have a body' }] : []),
    ...(type === undefined
      ? []
      : [{ path: ['headers', type], problem: 'May not be set: multipart sets it, for it names the boundary' }]),
  ]
}

function saveProblems({ save_to: saveTo, method, transform }: HttpInput): readonly Problem[] {
  if (saveTo === undefined) return []
  const isHead = method.toUpperCase() === 'HEAD'
  return [
    ...(isHead ? [{ path: ['save_to'], problem: 'The response to this method has no body' }] : []),
    ...(transform?.response === undefined
      ? []
      : [{ path: ['transform', 'response'], problem: 'There is no body to read: save_to takes it' }]),
  ]
}
