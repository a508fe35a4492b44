import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** The variable that names a systemd-analyze to use. */
export const systemdVariable = 'SYSTEMD_ANALYZE'

/** Where one that was fetched for this checkout is kept. */
export const systemdCachePath = resolve(import.meta.dir, '../../.cache/systemd/systemd-analyze')

/** The systemd-analyze to test with: the variable SYSTEMD_ANALYZE, what an earlier `bun run test` has fetched, the PATH. */
export function findSystemd(): string | undefined {
  const named = process.env[systemdVariable]
  if (named) return named
  if (existsSync(systemdCachePath)) return systemdCachePath
  return Bun.which('systemd-analyze') ?? undefined
}
