import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'

/** Which server a test wants: the newest that could be had, or the oldest line that Beamline still works with (2.9). */
export type NatsVersion = 'newest' | 'old'

/** The versions that are asked for; where only a Debian package can be had, its nearest one stands in. */
export const natsPins = { newest: 'v2.15.2', old: 'v2.9.25' } as const satisfies Record<NatsVersion, string>

/** The variables that name a server to use. */
export const natsVariables = { newest: 'NATS_SERVER', old: 'NATS_SERVER_OLD' } as const satisfies Record<
  NatsVersion,
  string
>

/** Where a server that was fetched for this checkout is kept. */
export function natsCachePath(version: NatsVersion): string {
  return resolve(import.meta.dir, '../../.cache/nats-server', natsPins[version], 'nats-server')
}

/**
 * The nats-server to test with, or undefined when there is none: the variable NATS_SERVER (or NATS_SERVER_OLD), what
 * an earlier `bun run test` has fetched, the PATH (newest only).
 */
export function findNatsServer(version: NatsVersion): string | undefined {
  const named = process.env[natsVariables[version]]
  if (named) return named
  const path = version === 'newest' ? (process.env['PATH'] ?? '') : ''
  const onPath = path.split(':').flatMap((folder) => (folder ? [join(folder, 'nats-server')] : []))
  return [natsCachePath(version), ...onPath].find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
