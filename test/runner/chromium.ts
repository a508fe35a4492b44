import { chromiumCachePath, findChromium } from '../support/chromium-binary.ts'
import { fetchDebianProgram, runs } from './debian-program.ts'

/**
 * Finds a Chromium on this machine, or fetches Debian's headless one, with what it needs, into the checkout's cache.
 * Undefined when it cannot be had; why has been told to `tell` then.
 */
export async function provideChromium(tell: (line: string) => void): Promise<string | undefined> {
  const present = findChromium()
  if (present !== undefined && (await runs(present))) return present
  const program = /lib\/chromium\/(chromium-)?headless[-_]shell$|lib\/chromium\/chromium-headless-shell$/
  return fetchDebianProgram({ name: 'chromium-headless-shell', program, path: chromiumCachePath }, tell)
}
