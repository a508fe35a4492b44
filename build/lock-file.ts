import { readFile } from 'node:fs/promises'

/** A package that a lock file holds. */
export interface LockedPackage {
  readonly name: string
  readonly version: string
  /** Of the registry's archive: `sha512-` and Base64. */
  readonly integrity: string
  /** Where it lies, from the folder that holds `node_modules`. */
  readonly path: string
  /** The paths of the packages it needs. */
  readonly needs: readonly string[]
}

type Versions = Readonly<Record<string, string>>

/** What a package says of itself in `bun.lock`. */
interface Facts {
  readonly dependencies?: Versions
  readonly optionalDependencies?: Versions
  readonly peerDependencies?: Versions
  readonly optionalPeers?: readonly string[]
}

interface LockFile {
  readonly packages: Readonly<Record<string, readonly [id: string, registry: string, facts: Facts, integrity: string]>>
}

/**
 * The packages of a `bun.lock` that these ones need, and those that they need, and so on, by path. Rejects when one is not
 * in the file; those that are wanted only where they can be had may be missing.
 */
export async function lockedPackages(lockPath: string, names: readonly string[]): Promise<readonly LockedPackage[]> {
  // Bun writes the file; its first field is the version of this form.
  const lock = Bun.JSONC.parse(await readFile(lockPath, 'utf8')) as LockFile & { readonly lockfileVersion: number }
  if (lock.lockfileVersion !== 2) throw new Error(`${lockPath}: unknown version ${lock.lockfileVersion}`)
  const found = new Map<string, LockedPackage>()
  const waiting = names.map((name) => placeOf(lock, [], name) ?? missing(lockPath, name))
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const path = pathOf(place)
    if (found.has(path)) continue
    const needed = needsOf(lock, place, lockPath)
    waiting.push(...needed)
    found.set(path, describe(lock, place, needed))
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** The names of the packages from the outermost to the one meant: it lies in the `node_modules` of the one before it. */
type Place = readonly string[]

function describe(lock: LockFile, place: Place, needed: readonly Place[]): LockedPackage {
  const [id = '', , , integrity = ''] = lock.packages[place.join('/')] ?? []
  const at = id.lastIndexOf('@')
  return {
    name: id.slice(0, at),
    version: id.slice(at + 1),
    integrity,
    path: pathOf(place),
    needs: [...new Set(needed.map(pathOf))].toSorted(),
  }
}

function needsOf(lock: LockFile, place: Place, lockPath: string): readonly Place[] {
  const facts = lock.packages[place.join('/')]?.[2] ?? {}
  const peers = Object.keys(facts.peerDependencies ?? {}).filter((name) => !facts.optionalPeers?.includes(name))
  const must = [...Object.keys(facts.dependencies ?? {}), ...peers]
  const may = Object.keys(facts.optionalDependencies ?? {})
  return [
    ...must.map((name) => placeOf(lock, place, name) ?? missing(lockPath, name)),
    ...may.flatMap((name) => {
      const found = placeOf(lock, place, name)
      return found === undefined ? [] : [found]
    }),
  ]
}

/** Looks for a package as programs do: beside the one that needs it, then further and further out. */
function placeOf(lock: LockFile, from: Place, name: string): Place | undefined {
  for (let depth = from.length; depth >= 0; depth -= 1) {
    const place = [...from.slice(0, depth), name]
    if (Object.hasOwn(lock.packages, place.join('/'))) return place
  }
  return undefined
}

function pathOf(place: Place): string {
  return place.map((name) => `node_modules/${name}`).join('/')
}

function missing(lockPath: string, name: string): never {
  throw new Error(`${lockPath}: has no ${name}`)
}
