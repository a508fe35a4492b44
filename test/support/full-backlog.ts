import { dlopen, FFIType, ptr } from 'bun:ffi'
import { connect, type Socket } from 'node:net'
import { eventually } from './eventually.ts'
import { opened } from './open-resources.ts'

const { symbols: libc } = dlopen(process.platform === 'darwin' ? 'libSystem.dylib' : 'libc.so.6', {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  listen: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  getsockname: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
  bind: { args: [FFIType.i32, FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
  close: { args: [FFIType.i32], returns: FFIType.i32 },
})

/** A port of 127.0.0.1 on which connections hang: its queue is full, and nobody accepts. */
export class FullBacklog implements Disposable {
  readonly port: number
  readonly #descriptor: number
  readonly #sockets: readonly Socket[]
  readonly #closed: () => void

  private constructor(descriptor: number, port: number, sockets: readonly Socket[]) {
    this.#descriptor = descriptor
    this.port = port
    this.#sockets = sockets
    this.#closed = opened('a full backlog', () => libc.close(descriptor))
  }

  static async open(): Promise<FullBacklog> {
    const descriptor = libc.socket(2, 1, 0)
    // sockaddr_in: family 2, port 0, 127.0.0.1
    const address = new Uint8Array([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    if (libc.bind(descriptor, ptr(address), address.length) !== 0) throw new Error('bind failed')
    if (libc.listen(descriptor, 0) !== 0) throw new Error('listen failed')
    libc.getsockname(descriptor, ptr(address), ptr(new Uint32Array([address.length])))
    const port = new DataView(address.buffer).getUint16(2)
    const sockets = [connect(port, '127.0.0.1')]
    for (const socket of sockets) socket.on('error', () => undefined)
    await eventually(() => sockets.every(({ connecting }) => !connecting))
    return new FullBacklog(descriptor, port, sockets)
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    libc.close(this.#descriptor)
    this.#closed()
  }
}
