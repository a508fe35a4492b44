/** Tidying up the box: blobs whose time has come, what crashes left behind, and how much there is. */
import { lstat, unlink } from 'node:fs/promises'
import { JobError } from '../../errors.ts'
import { versionOf } from './blob-file.ts'
import { metadataBytes, readNote } from './blob-note.ts'
import { expiryOf } from './blob-view.ts'
import type { Box } from './box.ts'
import { fileFailure, isErrno, orMissing } from './file-failure.ts'
import type { Folder } from './folder.ts'
import { type Entry, enter, entriesOf } from './inner-folder.ts'
import {
  isOwnName,
  isTemporaryName,
  lockedKey,
  nameKey,
  notedFile,
  noteName,
  ownerOf,
  temporaryName,
} from './own-names.ts'
import { lifeOf } from './process-mark.ts'
import { removeBlob } from './removal.ts'
import { tidyNote } from './stray-note.ts'
import { TemporaryFile } from './temporary-file.ts'
import type { Count } from './usage.ts'
import type { Workshop } from './workshop.ts'

/** Why a file was removed. */
export type RemovalReason = 'expired' | 'deleted' | 'temporary'

interface SweepOptions {
  readonly box: Box
  readonly workshop: Workshop
  readonly onRemoval: (reason: RemovalReason) => void
  /** Called now and then; resolves when the sweep may go on. */
  readonly rest: () => Promise<void>
  readonly signal: AbortSignal
}

/** When a temporary file counts as abandoned whose process cannot be looked for. */
const abandonedMs = 3_600_000
/** How many files are looked at between two rests. */
const stretch = 100
/** Deeper folders are not the store's. */
const mostFolders = 40

/** Goes once through the whole box, and counts it. Rejects with the signal's reason, or the system's error. */
export async function sweep(options: SweepOptions): Promise<void> {
  const count = options.workshop.usage.recount()
  try {
    await options.box.within([], false, async (folder) => {
      const { device } = await folder.identity()
      if (options.workshop.usage.isLimited) count.startsAt(await timeIn(folder, options.workshop))
      await new Sweep(options, count, device).folder(folder, [])
    })
  } catch (error) {
    // No box, no blobs: it is made when the first one is put.
    if (!isErrno(error, 'ENOENT')) throw error
  }
  count.done()
}

/** What time it is for the file system, in nanoseconds: other machines that share it may have other clocks. */
async function timeIn(folder: Folder, { mark }: Workshop): Promise<bigint> {
  try {
    await using marker = await TemporaryFile.create(folder, mark)
    return (await lstat(folder.at(marker.name), { bigint: true })).ctimeNs
  } catch (error) {
    // A full disk, or one that is only read, is swept and counted all the same; nothing then counts as old.
    if (fileFailure(error, 'write') instanceof JobError) return 0n
    throw error
  }
}

class Sweep {
  readonly #options: SweepOptions
  readonly #count: Count
  readonly #device: bigint
  #looked = 0

  constructor(options: SweepOptions, count: Count, device: bigint) {
    this.#options = options
    this.#count = count
    this.#device = device
  }

  async folder(folder: Folder, folders: readonly string[]): Promise<void> {
    const path = folders.map((name) => `${name}/`).join('')
    const entries = await entriesOf(folder)
    this.#count.enter(
      path,
      entries.map(({ name }) => name),
    )
    const own = entries.filter(({ name }) => isOwnName(name)).map(({ name }) => name)
    await this.#leftovers(folder, own)
    const notes = new Set(own.filter((name) => notedFile(name) !== undefined))
    for (const entry of entries) {
      if (isOwnName(entry.name)) continue
      if (entry.isFolder) await this.#inner(folder, folders, entry)
      else await this.#step(() => this.#file(folder, folders, entry.name, notes))
    }
    const { workshop, signal } = this.#options
    for (const name of notes) await this.#step(() => tidyNote(workshop, { folder, folders, name }, signal))
    this.#count.leave()
  }

  async #inner(folder: Folder, folders: readonly string[], { name }: Entry): Promise<void> {
    if (folders.length >= mostFolders) return
    await using inner = await enter(folder, name, this.#device)
    if (inner !== undefined) await this.folder(inner, [...folders, name])
  }

  /** Counts a blob, or removes it; crosses off its note. */
  async #file(folder: Folder, folders: readonly string[], name: string, notes: Set<string>): Promise<void> {
    const { workshop, signal, onRemoval } = this.#options
    const inBox = [...folders, name].join('/')
    const stat = await orMissing(lstat(folder.at(name), { bigint: true }))
    this.#count.pass(inBox)
    if (stat === undefined || !stat.isFile()) return
    const version = versionOf(stat)
    const key = nameKey(name)
    const isNoted = notes.delete(noteName(key, version.id))
    if (stat.nlink > 1n) return
    this.#count.saw(inBox, { bytes: version.size, sinceNs: version.changedNs })
    const note = isNoted ? await readNote(folder, key, version) : undefined
    if (note?.metadata !== undefined) this.#count.sawMore(inBox, metadataBytes(note))
    const expiry = expiryOf(version, note, workshop.lifetime)
    if (expiry === undefined || expiry > workshop.clock.now()) return
    const place = { name, folders, inBox }
    if (await removeBlob(workshop, folder, place, (now) => now?.isGone === true, signal)) onRemoval('expired')
  }

  async #leftovers(folder: Folder, own: readonly string[]): Promise<void> {
    const { locks, mark } = this.#options.workshop
    for (const name of own) {
      const key = lockedKey(name)
      if (key !== undefined) await this.#step(() => locks.breakLeft({ folder, key }, temporaryName(mark)))
      if (isTemporaryName(name)) await this.#step(() => this.#temporary(folder, name))
    }
  }

  async #temporary(folder: Folder, name: string): Promise<void> {
    if (!(await this.#isAbandoned(folder, name))) return
    await orMissing(unlink(folder.at(name)))
    this.#options.onRemoval('temporary')
  }

  async #isAbandoned(folder: Folder, name: string): Promise<boolean> {
    const life = await lifeOf(ownerOf(name) ?? '')
    if (life !== 'unknown') return life === 'dead'
    const stat = await orMissing(lstat(folder.at(name)))
    return stat !== undefined && this.#options.workshop.clock.now() - stat.mtimeMs > abandonedMs
  }

  /** One file that cannot be dealt with now keeps no other waiting: the next sweep tries again. */
  async #step(run: () => Promise<unknown>): Promise<void> {
    this.#options.signal.throwIfAborted()
    try {
      await run()
    } catch (error) {
      if (!(fileFailure(error, 'write') instanceof JobError)) throw error
    }
    if (++this.#looked % stretch === 0) await this.#options.rest()
  }
}
