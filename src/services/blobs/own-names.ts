/** The names that the store gives to files of its own, beside the blobs: no path of a job can hold one. */
import { createHash } from 'node:crypto'
import { ownPrefix } from '../../lib/safe-path.ts'

const temporary = `${ownPrefix}-tmp-`
const temporaryForm = /^\.beamline-tmp-([0-9a-f]+-[0-9]+-[0-9]+)-[0-9a-f]{16}$/
const lockForm = /^\.beamline-([0-9a-f]{32})\.(?:lock|break)$/
const noteForm = /^\.beamline-([0-9a-f]{32})\.([0-9]+)$/

/** What names in a folder have in common that belong to one blob: made from its name, and of a length that always fits. */
export function nameKey(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}

/** A name that no other file has, for a file of the process of this mark. */
export function temporaryName(mark: string): string {
  return `${temporary}${mark}-${Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')}`
}

/** Whether a file is one that is still being written, or that was left so. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporary)
}

/** The mark of the process that a temporary name belongs to. */
export function ownerOf(name: string): string | undefined {
  return temporaryForm.exec(name)?.[1]
}

/** The lock of the blob with this key, and what whoever breaks the lock must hold. */
export function lockNames(key: string): { readonly lock: string; readonly breaking: string } {
  return { lock: `${ownPrefix}-${key}.lock`, breaking: `${ownPrefix}-${key}.break` }
}

/** The key in the name of a lock. */
export function lockedKey(name: string): string | undefined {
  return lockForm.exec(name)?.[1]
}

/** Where it is noted what belongs to the version of a blob that is the file with this id. */
export function noteName(key: string, id: bigint): string {
  return `${ownPrefix}-${key}.${id}`
}

/** The key and the file that the name of a note tells. */
export function notedFile(name: string): { readonly key: string; readonly id: bigint } | undefined {
  const [, key, id] = noteForm.exec(name) ?? []
  return key === undefined || id === undefined ? undefined : { key, id: BigInt(id) }
}

/** Whether a name is one of the store's own. */
export function isOwnName(name: string): boolean {
  return name.toLowerCase().startsWith(ownPrefix)
}
