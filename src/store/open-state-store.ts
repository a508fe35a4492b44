/** Which store a process uses, and what lies in the one that it does not. */
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import { AwaitedStateStore } from './awaited-state-store.ts'
import { MemoryStateStore } from './memory-state-store.ts'
import { peekSqlite } from './sqlite-file.ts'
import { openSqliteStateStore } from './sqlite-state-store.ts'
import type { StateStore } from './state-store.ts'

interface StoreParts {
  readonly config: Pick<Config, 'state' | 'jetstream'>
  readonly bus: Pick<Bus, 'mode' | 'state'>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Opens the store that the settings ask for. With `auto` that is the bus's own when assignments come from a stream, and
 * the file when they do not; the store cannot be used before the bus knows. On the memory bus, records go with the
 * process. Rejects with a ConfigError when the file is certain to be used and cannot be.
 */
export async function openStateStore({ config, bus, clock, log }: StoreParts): Promise<StateStore> {
  const { state } = bus
  if (state === undefined) return new MemoryStateStore()
  const openFile = (): Promise<StateStore> => openSqliteStateStore(config.state.path, clock)
  switch (intendedStore(config)) {
    case 'sqlite':
      return openFile()
    case 'nats':
      return state.open()
    case undefined:
      return new AwaitedStateStore({ mode: () => bus.mode, openShared: () => state.open(), openFile, log })
  }
}

/**
 * How many records, of those that begin with `prefix` and are `wanted`, lie in the store that is not used; makes none.
 * Ask when `store` is healthy. Rejects when it cannot be known now.
 */
export async function countElsewhere(
  { config, bus, store }: Pick<StoreParts, 'config' | 'bus'> & { readonly store: StateStore },
  prefix: string,
  wanted: (value: Uint8Array) => boolean,
  signal: AbortSignal,
): Promise<number> {
  if (bus.state === undefined) return 0
  const others = store.reach === 'fleet' ? peekSqlite(config.state.path, prefix) : bus.state.peek(prefix, signal)
  let count = 0
  for await (const { value } of others) if (wanted(value)) count += 1
  return count
}

/** What the settings say by themselves; undefined: it depends on how assignments arrive. */
export function intendedStore({ state, jetstream }: StoreParts['config']): 'sqlite' | 'nats' | undefined {
  if (state.store !== 'auto') return state.store
  return ({ off: 'sqlite', require: 'nats', auto: undefined } as const)[jetstream.mode]
}
