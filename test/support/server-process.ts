import { systemClock } from '../../src/lib/clock.ts'

const startLimitMs = 30_000

/** A server in a process of its own; nothing needs to read its log any more. */
export type ServerProcess = Bun.Subprocess<'ignore', 'ignore', 'pipe'>

/** The server could not have its port. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

/**
 * Starts a server and resolves when its log (standard error) says `ready`. Rejects when it ends before, or does not
 * say so within 30 s: with PortTaken, or with the end of the log.
 */
export async function startServer(
  command: readonly string[],
  options: { readonly ready: string; readonly uid?: number; readonly gid?: number },
): Promise<ServerProcess> {
  const { ready, ...user } = options
  const server = Bun.spawn([...command], { cwd: '/', ...user, stdio: ['ignore', 'ignore', 'pipe'] })
  const late = systemClock.after(startLimitMs, () => server.kill('SIGKILL'))
  const log = server.stderr.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  let text = ''
  for (let chunk = await log.next(); !chunk.done; chunk = await log.next()) {
    text += chunk.value
    if (!text.includes(ready)) continue
    late.cancel()
    drain(log)
    return server
  }
  late.cancel()
  await server.exited
  if (/address already in use/i.test(text)) throw new PortTaken(text)
  throw new Error(`${command[0]} did not start:\n${text.slice(-2000)}`)
}

/** Sends the signal, and SIGKILL when that has not ended the server after 5 s; resolves when it is gone. */
export async function endServer(server: ServerProcess, signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<void> {
  server.kill(signal)
  const late = systemClock.after(5_000, () => server.kill('SIGKILL'))
  await server.exited
  late.cancel()
}

/** Goes on reading, so that the server never blocks on a full pipe. */
function drain(log: AsyncIterator<string>): void {
  log.next().then(
    ({ done }) => {
      if (!done) drain(log)
    },
    () => {},
  )
}
