import type { Destination } from '../../lib/egress.ts'
import { acceptEncoding } from './decompression.ts'
import type { Line } from './line.ts'
import { Patience } from './patience.ts'
import type { Hop } from './redirect.ts'
import { calledOff, requestFailure } from './request-failure.ts'
import { type Body, bodyPieces, type Reader, type Reading, readBody } from './response-body.ts'

/** A request, where it goes, and how long that may take. */
export interface Sending {
  readonly hop: Hop
  readonly destination: Destination
  /** The checked address: the connection goes there and nowhere else. */
  readonly address: string
  readonly connectMs: number
  readonly firstByteMs: number | undefined
}

/** What is known of a response before its body. */
export type Head = Pick<Response, 'status' | 'headers'>

/** Said each time, for else the environment could turn the check of certificates off. */
const checked = { rejectUnauthorized: true } as const

/**
 * One request to one address, and its response. Dispose it: what has not been read by then is dropped with its
 * connection.
 *
 * A request that must not be sent twice has its body pulled out of a stream, which the runtime begins to do when the
 * connection stands, and never repeats. Until then it certainly has not left. A request that may be repeated is sent
 * as bytes: then the runtime sends it again by itself when a connection that was kept open turns out to be closed.
 */
export class Exchange implements Disposable {
  readonly #sending: Sending
  readonly #line: Line
  readonly #signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #cut = Promise.withResolvers<never>()
  readonly #patience: Patience
  readonly #tls: { readonly rejectUnauthorized: true; readonly serverName?: string } | undefined
  readonly #isStreamed: boolean
  #mayHaveLeft: boolean
  #isCut = false
  #isWhole = false
  #response: Response | undefined
  #reader: Reader | undefined

  constructor(sending: Sending, line: Line, signal: AbortSignal) {
    const { hop, destination, ...limits } = sending
    const serverName = destination.isAddress ? undefined : destination.host
    this.#tls = hop.url.protocol === 'https:' ? { ...checked, ...(serverName && { serverName }) } : undefined
    this.#sending = sending
    this.#line = line
    this.#signal = signal
    this.#isStreamed = !hop.repeatable && hop.method !== 'GET' && hop.method !== 'HEAD'
    this.#mayHaveLeft = !this.#isStreamed
    this.#patience = new Patience(
      { ...limits, ...destination, tls: this.#tls && { serverName } },
      line.clock,
      this.#stop,
    )
    // Whoever waits for something also waits for this; most of the time nobody does.
    this.#cut.promise.catch(() => undefined)
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The head of the response, once `send` has resolved. */
  get head(): Head {
    return this.#answered
  }

  get #answered(): Response {
    if (this.#response === undefined) throw new Error('The request was not answered yet')
    return this.#response
  }

  /** Resolves when the head of the response is there, whatever its status. */
  async send(): Promise<void> {
    const { hop, destination } = this.#sending
    if (this.#signal.aborted) throw calledOff(this.#signal)
    this.#line.enter(this.#stop)
    const response = this.#line.session.fetch(pinnedUrl(this.#sending), {
      method: hop.method,
      headers: this.#headers(),
      body: this.#isStreamed ? this.#stream(hop.body ?? new Uint8Array()) : hop.body,
      redirect: 'manual',
      decompress: false,
      timeout: false,
      signal: this.#controller.signal,
      ...(this.#tls && { tls: this.#tls }),
    })
    if (this.#isStreamed) this.#patience.awaitWord()
    else this.#patience.awaitProbe()
    response.then((late) => this.#isCut && discard(late)).catch(() => undefined)
    try {
      this.#response = await Promise.race([response, this.#cut.promise])
    } catch (thrown) {
      throw this.#isCut ? thrown : requestFailure(thrown, destination.host, this.#mayHaveLeft)
    } finally {
      this.#patience[Symbol.dispose]()
    }
  }

  /** The whole body after the head, at most `limit` bytes of it. */
  async body(limit: number): Promise<Body> {
    const body = await Promise.race([readBody(this.#answered, this.#reading(limit)), this.#cut.promise])
    this.#isWhole = true
    return body
  }

  /**
   * Hands the body after the head over as it arrives, at most `limit` bytes of it, with the headers that fit it, which it
   * resolves with once `take` has resolved. When it is cut off, reading it rejects, and `take` is waited for all the same.
   */
  async pour(
    limit: number,
    take: (headers: Headers, pieces: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<Headers> {
    const { headers, pieces } = bodyPieces(this.#answered, this.#reading(limit))
    try {
      await take(headers, this.#untilWhole(pieces))
    } catch (thrown) {
      throw this.#isCut ? await this.#cut.promise : thrown
    }
    return headers
  }

  async *#untilWhole(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* pieces
    this.#isWhole = true
  }

  [Symbol.dispose](): void {
    this.#line.leave(this.#stop)
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#patience[Symbol.dispose]()
    if (!this.#isWhole) this.#abort()
  }

  readonly #onAbort = (): void => {
    const isBodyless = (this.#sending.hop.body?.length ?? 0) === 0
    // Without a body the head is all there is, and it may be leaving at this moment.
    this.#stop(this.#mayHaveLeft || isBodyless ? this.#signal.reason : calledOff(this.#signal))
  }

  readonly #stop = (reason: unknown): void => {
    if (this.#isCut) return
    this.#isCut = true
    this.#cut.reject(reason)
    this.#abort()
  }

  /** What of the body is there already would stay in memory if it were not cancelled first. */
  #abort(): void {
    if (this.#reader !== undefined) this.#reader.cancel().catch(() => undefined)
    else if (this.#response !== undefined) discard(this.#response)
    this.#controller.abort()
  }

  #reading(limit: number): Reading {
    const onReader = (reader: Reader): void => {
      this.#reader = reader
    }
    return { host: this.#sending.destination.host, limit, signal: this.#controller.signal, onReader }
  }

  #headers(): Headers {
    const { hop, destination } = this.#sending
    const headers = new Headers(hop.headers)
    if (destination.isAddress) headers.delete('host')
    else headers.set('host', hop.url.port === '' ? destination.host : `${destination.host}:${hop.url.port}`)
    if (!headers.has('accept-encoding')) headers.set('accept-encoding', acceptEncoding)
    // How the body is framed is decided here, or by the runtime.
    headers.delete('transfer-encoding')
    if (this.#isStreamed) headers.set('content-length', String(hop.body?.length ?? 0))
    else headers.delete('content-length')
    return headers
  }

  /** Of this kind, for the runtime sends no other kind without chunks and on connections that are kept open. */
  #stream(body: Uint8Array): ReadableStream {
    return new ReadableStream({
      type: 'direct',
      pull: (controller) => {
        if (!this.#isCut) {
          this.#mayHaveLeft = true
          this.#patience.connected()
          void controller.write(body)
        }
        void controller.end()
      },
    })
  }
}

function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined)
}

function pinnedUrl({ hop: { url }, address }: Sending): string {
  const host = address.includes(':') ? `[${address}]` : address
  const port = url.port === '' ? '' : `:${url.port}`
  return `${url.protocol}//${host}${port}${url.pathname}${url.search}`
}
