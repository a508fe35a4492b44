/** Reads request bodies: JSON only, and no more than is allowed. */
import { isNestedTooDeeply } from '../lib/json-nesting.ts'
import { isJson } from './access.ts'
import { HttpProblem } from './problem.ts'

/** The body as JSON; undefined when there is none. Throws an HttpProblem: 413 too large, 415 not declared as JSON, 400 not JSON or nested too deeply. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maxBytes)
  if (bytes.length === 0) return undefined
  if (!isJson(request.headers.get('content-type'))) {
    throw new HttpProblem(415, 'Unsupported Media Type', 'The content type must be application/json.')
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

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
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

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem(413, 'Content Too Large', 'The body is too large.', { max_bytes: maxBytes })
}
