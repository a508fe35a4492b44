/** Approvals that wait in the store which this worker does not use: nobody would hear their answers. */
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { countElsewhere } from '../store/open-state-store.ts'
import type { StateStore } from '../store/state-store.ts'
import { decodeRecord, keyPrefix } from './record.ts'

interface Parts {
  readonly config: Pick<Config, 'state' | 'jetstream'>
  readonly bus: Pick<Bus, 'mode' | 'state'>
  readonly store: StateStore
  readonly clock: Clock
  readonly log: Logger
}

const lookAgainMs = 5000

/** Looks once, as soon as that can be done, and says loudly what it found. Never rejects. */
export async function warnOfForgotten(parts: Parts, signal: AbortSignal): Promise<void> {
  const { store, clock, log } = parts
  while (!signal.aborted) {
    const count =
      store.health() === 'ok' ? await countElsewhere(parts, keyPrefix, waits, signal).catch(() => undefined) : undefined
    if (count === undefined) {
      await clock.sleep(lookAgainMs, signal).catch(() => undefined)
      continue
    }
    if (count > 0)
      log.error(
        'Approvals wait in the store that is not used; set STATE_STORE to it until they are decided',
        about(parts, count),
      )
    return
  }
}

function about({ config, store }: Parts, count: number) {
  const where = store.reach === 'fleet' ? `the file ${config.state.path}` : 'JetStream'
  return {
    context: { approvals: count, where, setting: store.reach === 'fleet' ? 'STATE_STORE=sqlite' : 'STATE_STORE=nats' },
  }
}

function waits(value: Uint8Array): boolean {
  try {
    return decodeRecord(value).publishedAt === undefined
  } catch {
    return false
  }
}
