import { connect } from 'node:net'

/**
 * Opens a bare connection to see whether somebody accepts it, and closes it at once. `done` is called when it was
 * accepted or refused, for then the wait for a connection is over either way; never after it was disposed.
 */
export function probeConnect(address: string, port: number, done: () => void): Disposable {
  const socket = connect({ host: address, port })
  const end = (): void => {
    socket.destroy()
    done()
  }
  socket.once('connect', end)
  socket.on('error', end)
  return {
    [Symbol.dispose]() {
      socket.off('connect', end)
      socket.off('error', end)
      // A socket that is being closed may still fail, and nobody cares.
      socket.on('error', () => undefined)
      socket.destroy()
    },
  }
}
