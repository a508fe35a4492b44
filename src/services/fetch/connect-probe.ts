import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Where a probe goes. */
export interface Probed {
  readonly address: string
  readonly port: number
  /** For a TLS handshake: the name to ask for, undefined where there is none. Without it a bare connection is enough. */
  readonly tls?: { readonly serverName: string | undefined } | undefined
}

/**
 * Opens a second connection to see whether somebody takes it, and closes it at once. `done` is called when it was taken
 * or refused, for then the wait for a connection is over either way; never after it was disposed.
 */
export function probeConnect({ address, port, tls }: Probed, done: () => void): Disposable {
  const to = { host: address, port }
  // Nothing is sent, so any certificate will do.
  const careless = { ...to, rejectUnauthorized: false, ...(tls?.serverName && { servername: tls.serverName }) }
  const socket = tls === undefined ? connect(to) : connectTls(careless)
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    socket.destroy()
    done()
  }
  socket.once(tls === undefined ? 'connect' : 'secureConnect', end)
  // A socket that is being closed may still fail, and nobody cares.
  socket.on('error', end)
  socket.once('close', end)
  return {
    [Symbol.dispose]() {
      isOver = true
      socket.destroy()
    },
  }
}
