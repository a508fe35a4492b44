/** Reads request bodies: JSON, and forms where a page has them; no more than is allowed. */
import { isNestedTooDeeply } from '../lib/json-nesting.ts'
import { isJson } from './access.ts'
import { HttpProblem } from './problem.ts'

/** The body: of a form its fields as URLSearchParams, else as `readJson`. */
export async function readBody(request: Request, maxBytes: number): Promise<unknown> {
  if (!isForm(request)) return readJson(request, maxBytes)
  return new URLSearchParams((await readBytes(request, maxBytes)).toString())
}

/** Throws an HttpProblem (415) for a form: only pages that are open to all have them. */
export function refuseForm(request: Request): void {
  if (isForm(request)) throw notJson()
}

/** The body as JSON; undefined when there is none. Throws an HttpProblem: 413 too large, 415 not declared as JSON, 400 not JSON or nested too deeply. */
async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maxBytes)
  if (bytes.length === 0) return undefined
  if (!isJson(request.headers.get('content-type'))) {
    throw notJson()
  }
  if (isNestedTooDeeply(bytes)) throw new HttpProblem(400, 'Bad Request', 'The body is nested too deeply.')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new HttpProblem(400, 'Bad Request', 'The body is not JSON.')
  }
}

/** Throws an HttpProblem when the request announces more than is allowed. */
export function refuseLargeBody(request: Request, maxBytes: number): void {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
}

async function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  const stream: AsyncIterable<Uint8Array> | null = request.body
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream ?? []) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function isForm(request: Request): boolean {
  return /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '')
}

function notJson(): HttpProblem {
  return new HttpProblem(415, 'Unsupported Media Type', 'The content type must be application/json.')
}

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, 'Content Too Large', 'The body is too large.', { max_bytes: maxBytes })
}
