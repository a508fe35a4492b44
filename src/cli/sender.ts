/** The bus of a command that only sends. */
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import { openNatsBus } from '../nats/nats-bus.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'

interface SenderParts {
  readonly config: Config
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
}

/** How long the first connection may take, in milliseconds. */
const connectLimitMs = 5_000

/** Opens it: it takes no assignments, for nobody asks it to. It need not be connected yet. */
export function openSender(parts: SenderParts): Promise<Bus> {
  return openNatsBus({ ...parts, window: 1, onFatal: () => undefined })
}

/** Resolves with whether it is connected, which it has five seconds to become. */
export async function reached(bus: Bus, signal: AbortSignal, clock: Clock): Promise<boolean> {
  const limit = new AbortController()
  const late = clock.after(connectLimitMs, () => limit.abort())
  await bus.flush(AbortSignal.any([limit.signal, signal])).catch(() => undefined)
  late.cancel()
  return bus.connected
}
