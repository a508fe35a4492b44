import { createConnection, createServer, type Socket } from 'node:net'

/** Something between client and server that does not pass on how a session is marked, as poolers do not. */
interface UnmarkingProxy extends AsyncDisposable {
  readonly port: number
  /** How many sessions came with a mark. */
  readonly unmarked: number
}

const mark = 'beamline.session='
const other = 'beamline.anybody='

/** Opens one in front of a server on this machine. */
export async function openUnmarking(serverPort: number): Promise<UnmarkingProxy> {
  const sockets = new Set<Socket>()
  let unmarked = 0
  const proxy = createServer((client) => {
    const server = createConnection(serverPort, '127.0.0.1')
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
    }
    client.once('data', (first: Buffer) => {
      const text = first.toString('latin1')
      if (text.includes(mark)) unmarked++
      server.write(Buffer.from(text.replace(mark, other), 'latin1'))
      client.pipe(server)
    })
    server.pipe(client)
  })
  const port = await new Promise<number>((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      const address = proxy.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return {
    port,
    get unmarked() {
      return unmarked
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}
