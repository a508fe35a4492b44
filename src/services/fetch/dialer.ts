import { JobError } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Destination, Egress, Resolve } from '../../lib/egress.ts'
import { abortable } from './abortable.ts'
import { Exchange } from './exchange.ts'
import type { Line } from './line.ts'
import type { Hop } from './redirect.ts'
import { calledOff, connectTimeout, isOfConnecting, unresolved } from './request-failure.ts'

interface DialerOptions {
  readonly egress: Egress
  readonly resolve: Resolve
  /** From asking for the addresses until one of them has taken the connection, in milliseconds. */
  readonly connectMs: number
  readonly line: Line
}

/** Sends requests to addresses that the egress policy has checked, and to no others. */
export class Dialer {
  readonly #options: DialerOptions
  readonly #clock: Clock

  constructor(options: DialerOptions) {
    this.#options = options
    this.#clock = options.line.clock
  }

  /**
   * Sends to the first of the host's addresses that takes the connection, in the resolver's order; resolves when the
   * head of the response is there. The one that it resolves with is to be disposed.
   */
  async send(
    hop: Hop,
    destination: Destination,
    firstByteMs: number | undefined,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const { host } = destination
    const until = this.#clock.monotonic() + this.#options.connectMs
    const addresses = await this.#addresses(destination, signal)
    let failure: JobError | undefined
    for (const [index, address] of addresses.entries()) {
      const leftMs = until - this.#clock.monotonic()
      if (leftMs <= 0) break
      const connectMs = leftMs / (addresses.length - index)
      const exchange = new Exchange({ hop, destination, address, connectMs, firstByteMs }, this.#options.line, signal)
      try {
        await exchange.send()
        return exchange
      } catch (thrown) {
        exchange[Symbol.dispose]()
        if (signal.aborted || !(thrown instanceof JobError && isOfConnecting(thrown))) throw thrown
        failure = thrown
      }
    }
    throw failure ?? connectTimeout(host, true)
  }

  /** The name is asked for within the connect limit, too. */
  async #addresses(destination: Destination, signal: AbortSignal): Promise<readonly string[]> {
    const { egress, resolve, connectMs } = this.#options
    const { host } = destination
    if (destination.isAddress) return egress.addresses(destination, resolve, signal)
    const waiting = new AbortController()
    const end = (): void => waiting.abort(calledOff(signal))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    const limit = this.#clock.after(connectMs, () => waiting.abort(connectTimeout(host, true)))
    const asked: Resolve = async (name) => {
      try {
        return await abortable(resolve(name, waiting.signal), waiting.signal)
      } catch (thrown) {
        if (waiting.signal.aborted) throw waiting.signal.reason
        throw thrown instanceof JobError ? thrown : unresolved(thrown, host)
      }
    }
    try {
      return await egress.addresses(destination, asked, waiting.signal)
    } finally {
      limit.cancel()
      signal.removeEventListener('abort', end)
    }
  }
}
