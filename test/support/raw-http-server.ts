import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { opened } from './open-resources.ts'

/** A request as it came over the wire. */
export interface RawRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Headers
  readonly body: Buffer
  /** Which request on its connection it is, from 1. */
  readonly turn: number
}

/** Writes whatever it wants, or nothing, or destroys the socket. */
export type RawAnswer = (socket: Socket, request: RawRequest) => void

interface RawHttpServerOptions {
  readonly certified?: { readonly certificate: string; readonly key: string }
}

/** A server for HTTP/1.1 that answers byte by byte as it is told, and tells what it saw. */
export class RawHttpServer implements AsyncDisposable {
  /** Every request that came in whole, and for which an answer was asked. */
  readonly requests: RawRequest[] = []
  connections = 0
  closedConnections = 0
  answer: RawAnswer
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #scheme: string
  readonly #closed: () => void

  private constructor(answer: RawAnswer, { certified }: RawHttpServerOptions) {
    this.answer = answer
    this.#scheme = certified === undefined ? 'http' : 'https'
    const serve = (socket: Socket): void => this.#serve(socket)
    this.#server =
      certified === undefined
        ? createServer(serve)
        : createTlsServer({ cert: certified.certificate, key: certified.key }, serve)
    this.#closed = opened('a raw HTTP server', () => this.#server.close())
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start(answer: RawAnswer, options: RawHttpServerOptions = {}): Promise<RawHttpServer> {
    const server = new RawHttpServer(answer, options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('The server does not listen')
    return address.port
  }

  url(path = '/', host = '127.0.0.1'): URL {
    return new URL(`${this.#scheme}://${host}:${this.port}${path}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isClosed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await isClosed
    this.#closed()
  }

  #serve(socket: Socket): void {
    this.connections++
    this.#sockets.add(socket)
    let received = Buffer.alloc(0)
    let turn = 0
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closedConnections++
      this.#sockets.delete(socket)
    })
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data])
      for (;;) {
        const read = readRequest(received, turn + 1)
        if (read === undefined) return
        turn++
        received = received.subarray(read.length)
        this.requests.push(read.request)
        this.answer(socket, read.request)
      }
    })
  }
}

/** A whole response in HTTP/1.1, its length told. */
export function response(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = '',
) {
  const bytes = Buffer.from(body)
  const lines = Object.entries({ 'content-length': String(bytes.length), ...headers }).map(([k, v]) => `${k}: ${v}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`), bytes])
}

function readRequest(
  bytes: Buffer,
  turn: number,
): { readonly request: RawRequest; readonly length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = new Headers(lines.map((line): [string, string] => splitOnce(line, ': ')))
  const length = end + 4 + Number(headers.get('content-length') ?? 0)
  if (bytes.length < length) return undefined
  const [method = '', target = ''] = first.split(' ')
  return { request: { method, target, headers, body: bytes.subarray(end + 4, length), turn }, length }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return [text.slice(0, at), text.slice(at + separator.length)]
}
