import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import manifest from '../package.json' with { type: 'json' }
import { signMachO } from './apple-signature.ts'
import { billOfMaterials, type LicensedPackage } from './bill-of-materials.ts'
import { compile } from './compile.ts'
import { type LockedPackage, lockedPackages } from './lock-file.ts'
import { provideRuntimes, runtimesFolder } from './runtimes.ts'
import { root, type Source } from './source.ts'
import { type Sum, sha256, sumsText } from './sums.ts'
import { fileOf, type TargetName, targetNames, targets } from './targets.ts'
import { openUnfinished } from './unfinished.ts'

const dist = resolve(root, 'dist')
const billFile = `${manifest.name}.cdx.json`
const sumsFile = 'SHA256SUMS'

/** Makes the executables of these targets in `dist/`, and tells of each one. Rejects with what hindered it. */
export async function makeTargets(
  names: readonly TargetName[],
  source: Source,
  tell: (file: string) => void,
): Promise<void> {
  await inOneGo(async (folder) => {
    const runtimeOf = await provideRuntimes(names)
    for (const name of names) tell((await make(name, { folder, source, runtimeOf })).file)
    return names.map(fileOf)
  })
}

/** Makes every executable, their bill of materials and the sums of all of it in `dist/`, all of which appear together. */
export async function makeRelease(source: Source, tell: (file: string) => void): Promise<void> {
  await inOneGo(async (folder) => {
    const runtimeOf = await provideRuntimes(targetNames)
    const sums: (Sum & { readonly runtime: string })[] = []
    for (const name of targetNames) {
      sums.push(await make(name, { folder, source, runtimeOf }))
      tell(fileOf(name))
    }
    await writeFile(join(folder, billFile), await bill(source, sums))
    const all = [...sums, { file: billFile, sha256: await sha256(join(folder, billFile)) }]
    await writeFile(join(folder, sumsFile), sumsText(all))
    return [...all.map(({ file }) => file), sumsFile]
  })
}

interface Making {
  readonly folder: string
  readonly source: Source
  readonly runtimeOf: (name: TargetName) => string
}

async function make(name: TargetName, { folder, source, runtimeOf }: Making): Promise<Sum & { runtime: string }> {
  const { platform, runtime } = targets[name]
  const file = fileOf(name)
  // An executable holds the name that it is made under, and it is the same program under every name.
  const outfile = join(folder, name, file.endsWith('.exe') ? 'beamline.exe' : 'beamline')
  await compile({ outfile, commit: source.commit, machine: { platform, runtime: runtimeOf(name) } })
  // Bun signs what it makes for Apple's processors; for Intel's it leaves a signature that no longer fits.
  if (name === 'macos-x64') await writeFile(outfile, signMachO(await readFile(outfile), manifest.name))
  await rename(outfile, join(folder, file))
  return { file, sha256: await sha256(join(folder, file)), runtime: `node_modules/${runtime}` }
}

async function bill(source: Source, executables: readonly (Sum & { readonly runtime: string })[]): Promise<string> {
  const libraries = await lockedPackages(join(root, 'bun.lock'), Object.keys(manifest.dependencies))
  const pins = targetNames.map((name) => targets[name].runtime)
  const runtimes = await lockedPackages(join(runtimesFolder, 'bun.lock'), pins)
  return billOfMaterials({
    product: {
      name: manifest.name,
      version: manifest.version,
      licence: manifest.license,
      summary: manifest.description,
    },
    ...source,
    executables,
    libraries: await Promise.all(libraries.map((item) => licensed(item, root))),
    direct: Object.keys(manifest.dependencies).map((name) => `node_modules/${name}`),
    runtimes: await Promise.all(runtimes.map((item) => licensed(item, runtimesFolder))),
  })
}

/** What is installed says what its licence is; the lock file does not. */
async function licensed(item: LockedPackage, folder: string): Promise<LicensedPackage> {
  const own: unknown = JSON.parse(await readFile(join(folder, item.path, 'package.json'), 'utf8'))
  const licence = typeof own === 'object' && own !== null && 'license' in own ? own.license : undefined
  if (typeof licence !== 'string') throw new Error(`${item.name} does not say what its licence is`)
  return { ...item, licence }
}

/**
 * Moves the files that were made into `dist/` when all are. Sums and a bill that are there already tell of other files, and go
 * first: what lies there belongs together at every moment.
 */
async function inOneGo(makeFiles: (folder: string) => Promise<readonly string[]>): Promise<void> {
  await using unfinished = await openUnfinished(dist)
  const files = await makeFiles(unfinished.path)
  for (const stale of [sumsFile, billFile]) await rm(join(dist, stale), { force: true })
  for (const file of files) await rename(join(unfinished.path, file), join(dist, file))
}
