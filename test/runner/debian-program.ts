import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { runChild } from './child.ts'
import { debianOfThisMachine, unpackDebianPackages } from './debian-package.ts'

const cache = resolve(import.meta.dir, '../../.cache')

interface Wanted {
  /** The package, of this machine's Debian. */
  readonly name: string
  /** Which of its files the program is. */
  readonly program: RegExp
  /** Where a launcher for it is to lie; its folder is replaced as a whole. */
  readonly path: string
}

/**
 * Fetches a program as Debian's package, with the libraries that this machine does not have, into the checkout's cache.
 * Undefined when it cannot be had; why has been told to `tell` then.
 */
export async function fetchDebianProgram(
  { name, program, path }: Wanted,
  tell: (line: string) => void,
): Promise<string | undefined> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'fetching-'))
  try {
    const debian = await debianOfThisMachine()
    if (debian === undefined) throw new Error('this is no Debian with apt sources')
    const files = await unpackDebianPackages(name, { archive: debian.archive, suite: debian.codename, folder })
    const launched = join(files, basename(path))
    await writeFile(launched, await launcher(files, program), { mode: 0o755 })
    if (!(await runs(launched))) throw new Error('it does not run here')
    const home = dirname(path)
    await rm(home, { recursive: true, force: true })
    await rename(files, home)
    return path
  } catch (error) {
    tell(`${name} by Debian's package: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Whether a program says its version. */
export async function runs(path: string): Promise<boolean> {
  const { code } = await runChild([path, '--version'], { limitMs: 10_000, quiet: true })
  return code === 0
}

/** Wherever the files lie later, it finds its libraries beside itself. */
async function launcher(files: string, program: RegExp): Promise<string> {
  const all = await readdir(files, { recursive: true })
  const found = all.find((path) => program.test(path))
  if (found === undefined) throw new Error('the package holds no such program')
  const folders = new Set(all.filter((path) => /\.so(\.\d+)*$/.test(path)).map((path) => dirname(path)))
  const libraries = [...folders].map((path) => `$here/${path}`).join(':')
  return `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nLD_LIBRARY_PATH="${libraries}" exec "$here/${found}" "$@"\n`
}
