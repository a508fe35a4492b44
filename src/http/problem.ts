/** How HTTP says no: problem documents after RFC 9457. Texts are fixed; they never repeat what the caller sent. */

/** The members of a problem document beside the standard ones. */
export type ProblemExtra = Readonly<Record<string, unknown>>

/** The answer for a problem; `detail` is one sentence for whoever called. */
export function problem(
  status: number,
  title: string,
  detail: string,
  extra: ProblemExtra = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, ...extra })
  return new Response(body, { status, headers: { ...headers, 'content-type': 'application/problem+json' } })
}

/** Thrown by a route to end with a problem document. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly title: string
  readonly extra: ProblemExtra
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    title: string,
    detail: string,
    extra: ProblemExtra = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.status = status
    this.title = title
    this.extra = extra
    this.headers = headers
  }

  /** The same as an answer. */
  toResponse(): Response {
    return problem(this.status, this.title, this.message, this.extra, this.headers)
  }
}
