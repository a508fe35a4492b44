import { createServer } from 'node:net'
import { PortTaken } from './server-process.ts'

/** Starts something on a free port of 127.0.0.1, on another one when it rejects with PortTaken. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<{ port: number; started: T }> {
  for (;;) {
    const port = await freePort()
    try {
      return { port, started: await start(port) }
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error
    }
  }
}

/**
 * A port of 127.0.0.1 that nobody listens on. It lies below the range the system hands out to outgoing connections, so
 * that nothing takes it while a server that owns it is down for a restart, and no client can connect to itself.
 * Another process may be quicker to bind it.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (await canBind(port)) return port
  }
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
