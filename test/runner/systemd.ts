import { findSystemd, systemdCachePath } from '../support/systemd-binary.ts'
import { fetchDebianProgram, runs } from './debian-program.ts'

/**
 * Finds a systemd-analyze on this machine, or fetches Debian's into the checkout's cache; no systemd has to run.
 * Undefined when it cannot be had; why has been told to `tell` then.
 */
export async function provideSystemd(tell: (line: string) => void): Promise<string | undefined> {
  const present = findSystemd()
  if (present !== undefined && (await runs(present))) return present
  return fetchDebianProgram({ name: 'systemd', program: /bin\/systemd-analyze$/, path: systemdCachePath }, tell)
}
