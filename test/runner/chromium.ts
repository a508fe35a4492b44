import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { chromiumCachePath, findChromium } from '../support/chromium-binary.ts'
import { runChild } from './child.ts'
import { debianOfThisMachine, unpackDebianPackages } from './debian-package.ts'

const cache = resolve(import.meta.dir, '../../.cache')

/**
 * Finds a Chromium on this machine, or fetches Debian's headless one, with what it needs, into the checkout's cache.
 * Undefined when it cannot be had; why has been told to `tell` then.
 */
export async function provideChromium(tell: (line: string) => void): Promise<string | undefined> {
  const present = findChromium()
  if (present !== undefined && (await runs(present))) return present
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'fetching-'))
  try {
    const debian = await debianOfThisMachine()
    if (debian === undefined) throw new Error('this is no Debian with apt sources')
    const options = { archive: debian.archive, suite: debian.codename, folder }
    const files = await unpackDebianPackages('chromium-headless-shell', options)
    await writeFile(join(files, 'chromium'), await launcher(files), { mode: 0o755 })
    if (!(await runs(join(files, 'chromium')))) throw new Error('it does not run here')
    const home = dirname(chromiumCachePath)
    await rm(home, { recursive: true, force: true })
    await rename(files, home)
    return chromiumCachePath
  } catch (error) {
    tell(`chromium by Debian's package: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Wherever the files lie later, it finds its libraries beside itself. */
async function launcher(files: string): Promise<string> {
  const all = await readdir(files, { recursive: true })
  const program = all.find((path) =>
    /lib\/chromium\/(chromium-)?headless[-_]shell$|lib\/chromium\/chromium-headless-shell$/.test(path),
  )
  if (program === undefined) throw new Error('the package holds no browser')
  const folders = new Set(all.filter((path) => /\.so(\.\d+)*$/.test(path)).map((path) => dirname(path)))
  const libraries = [...folders].map((path) => `$here/${path}`).join(':')
  return `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nLD_LIBRARY_PATH="${libraries}" exec "$here/${program}" "$@"\n`
}

async function runs(path: string): Promise<boolean> {
  const { code } = await runChild([path, '--version'], { limitMs: 10_000, quiet: true })
  return code === 0
}
