import { expect, test } from 'bun:test'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeliveryMode } from '../../src/bus/bus.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/errors.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Logger } from '../../src/observe/logger.ts'
import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import { countElsewhere, openStateStore } from '../../src/store/open-state-store.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'
import type { Entry, StateSource, StateStore } from '../../src/store/state-store.ts'
import { rejection } from '../contract/bus-world.ts'
import { temporaryFolder } from './temporary-folder.ts'

const { signal } = new AbortController()
const x = new Uint8Array([120])

/** Keeps warnings only. */
function listeningLog(warnings: string[]): Logger {
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => void warnings.push(message),
    error: () => undefined,
    child: () => log,
    debugging: false,
    flush: () => undefined,
  }
  return log
}

async function enter() {
  const folder = await temporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  // A store in memory that stands for the one that workers share.
  const shared = Object.defineProperty(new MemoryStateStore(), 'reach', { value: 'fleet' })
  const state: StateSource = {
    open: () => shared,
    peek: async function* (prefix): AsyncIterable<Entry> {
      yield* await shared.list(prefix, undefined, 100, signal)
    },
  }
  const bus: { mode: DeliveryMode; readonly state: StateSource } = { mode: 'unknown', state }
  const warnings: string[] = []
  const config = (env: Readonly<Record<string, string>>) => loadConfig({ STATE_PATH: path, ...env })
  return {
    path,
    shared,
    bus,
    warnings,
    config,
    open: (env: Readonly<Record<string, string>>) =>
      openStateStore({ config: config(env), bus, clock: systemClock, log: listeningLog(warnings) }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

test.each<[Readonly<Record<string, string>>, StateStore['reach']]>([
  [{ STATE_STORE: 'sqlite' }, 'process'],
  [{ STATE_STORE: 'sqlite', JETSTREAM: 'require' }, 'process'],
  [{ STATE_STORE: 'nats' }, 'fleet'],
  [{ STATE_STORE: 'nats', JETSTREAM: 'off' }, 'fleet'],
  [{ JETSTREAM: 'require' }, 'fleet'],
  [{ JETSTREAM: 'off' }, 'process'],
])('%j: the store is certain at once', async (env, reach) => {
  await using world = await enter()
  await using store = await world.open(env)
  expect(store.reach).toBe(reach)
  expect(store.health()).toBe('ok')
  expect(existsSync(world.path)).toBe(reach === 'process')
})

test('a file that is certain to be used and cannot be is told before anything is started', async () => {
  await using world = await enter()
  writeFileSync(world.path, 'no database '.repeat(100))
  expect(await rejection(world.open({ JETSTREAM: 'off' }))).toBeInstanceOf(ConfigError)
})

test.each<[DeliveryMode, StateStore['reach']]>([
  ['jetstream', 'fleet'],
  ['core', 'process'],
])('auto waits until it is known how assignments arrive: %s', async (mode, reach) => {
  await using world = await enter()
  await using store = await world.open({})
  expect(store.health()).toContain('not known yet')
  expect(await rejection(store.create('k', x, 1, signal))).toMatchObject({ name: 'StoreError', reason: 'unreachable' })
  expect(existsSync(world.path)).toBe(false)
  world.bus.mode = mode
  expect(await store.create('k', x, 1, signal)).toBeString()
  expect(store.health()).toBe('ok')
  expect(store.reach).toBe(reach)
  expect(await store.due(1, 1, signal)).toEqual(['k'])
  expect(world.shared.count('')).toBe(mode === 'jetstream' ? 1 : 0)
  expect(existsSync(world.path)).toBe(mode === 'core')
})

test('what was chosen stays, and a change of the bus is told once', async () => {
  await using world = await enter()
  await using store = await world.open({})
  world.bus.mode = 'core'
  await store.create('k', x, 1, signal)
  world.bus.mode = 'jetstream'
  for (let n = 0; n < 3; n += 1) expect(await store.get('k', signal)).toBeDefined()
  expect(world.warnings.filter((message) => message.includes('come from a stream now'))).toHaveLength(1)
})

test('a file that turns out to be needed and cannot be used is named, until it can', async () => {
  await using world = await enter()
  writeFileSync(world.path, 'no database '.repeat(100))
  await using store = await world.open({})
  world.bus.mode = 'core'
  expect(await rejection(store.get('k', signal))).toMatchObject({ name: 'StoreError' })
  expect(store.health()).toContain(`STATE_PATH: ${world.path}`)
  writeFileSync(world.path, '')
  expect(await store.create('k', x, 1, signal)).toBeString()
  expect(store.health()).toBe('ok')
})

test('what lies in the store that is not used is counted', async () => {
  await using world = await enter()
  const { config: configOf, bus, shared } = world
  const config = configOf({})
  const isWanted = (value: Uint8Array): boolean => value[0] === 120
  const count = (store: StateStore) => countElsewhere({ config, bus, store }, 'a.', isWanted, signal)
  expect(await count(shared)).toBe(0)
  expect(existsSync(world.path)).toBe(false)
  await using file = await openSqliteStateStore(world.path, systemClock)
  for (const store of [file, shared]) {
    await store.create('a.1', x, 1, signal)
    await store.create('a.2', new Uint8Array([1]), 1, signal)
    await store.create('b.1', x, 1, signal)
  }
  await shared.create('a.3', x, 1, signal)
  expect(await count(shared)).toBe(1)
  expect(await count(file)).toBe(2)
})

test('on the memory bus, records go with the process', async () => {
  await using store = await openStateStore({
    config: loadConfig({ STATE_PATH: '/dev/null/nowhere' }),
    bus: { mode: 'memory' },
    clock: systemClock,
    log: listeningLog([]),
  })
  expect(store).toBeInstanceOf(MemoryStateStore)
})
