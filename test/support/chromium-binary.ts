import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** The variable that names a browser to use. */
export const chromiumVariable = 'CHROMIUM'

/** Where a browser that was fetched for this checkout is kept. */
export const chromiumCachePath = resolve(import.meta.dir, '../../.cache/chromium/chromium')

/** The Chromium to test with: the variable CHROMIUM, what an earlier `bun run test` has fetched, the PATH. */
export function findChromium(): string | undefined {
  const named = process.env[chromiumVariable]
  if (named) return named
  if (existsSync(chromiumCachePath)) return chromiumCachePath
  return Bun.which('chromium-headless-shell') ?? Bun.which('chromium') ?? undefined
}
