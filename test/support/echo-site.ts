import { opened } from './open-resources.ts'

/** A server on loopback. Disposing of it ends it. */
export interface Site extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
}

/** Answers every request with its body. */
export function openEchoSite(): Site {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => new Response(await request.bytes()),
  })
  const closed = opened('echo site', () => void server.stop(true))
  return {
    url: `http://127.0.0.1:${server.port}`,
    async [Symbol.asyncDispose]() {
      await server.stop(true)
      closed()
    },
  }
}
