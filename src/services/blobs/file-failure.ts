/** What the file system says, as the errors that jobs may see: without any path of the machine. */
import { type ErrorCode, JobError } from '../../errors.ts'

/** What was being done when it failed. */
export type Doing = 'read' | 'write'

type Meaning = readonly [code: ErrorCode, message: string, reason: string]

const full: Meaning = ['RESOURCE_UNAVAILABLE', 'The disk of the blobs is full', 'disk_full']
const busy: Meaning = ['RESOURCE_UNAVAILABLE', 'Too many files are open', 'too_many_files']
const notWritable: Meaning = ['RESOURCE_UNAVAILABLE', 'The folder of the blobs cannot be written to', 'not_writable']
const missing: Meaning = ['RESOURCE_UNAVAILABLE', 'The folder of the blobs is not there', 'folder_missing']
const nothing: Meaning = ['FILE_NOT_FOUND', 'There is no such blob', 'missing']
const foreign: Meaning = ['PERMISSION_DENIED', 'The path does not lead to a blob', 'link']
const inTheWay: Meaning = ['FILE_WRITE_ERROR', 'A part of the path is not a folder', 'not_a_folder']
const isFolder: Meaning = ['FILE_WRITE_ERROR', 'The path is that of a folder', 'folder']
const tooLong: Meaning = ['INVALID_PATH', 'The path cannot be that of a blob', 'too_long']

const meanings: Readonly<Record<Doing, Readonly<Record<string, Meaning>>>> = {
  read: {
    ENOENT: nothing,
    ENOTDIR: nothing,
    EISDIR: nothing,
    ELOOP: foreign,
    EACCES: ['PERMISSION_DENIED', 'The blob cannot be read', 'not_readable'],
    EPERM: ['PERMISSION_DENIED', 'The blob cannot be read', 'not_readable'],
    ENXIO: ['PERMISSION_DENIED', 'The path does not lead to a blob', 'not_a_file'],
    ENAMETOOLONG: tooLong,
    EMFILE: busy,
    ENFILE: busy,
  },
  write: {
    ENOENT: missing,
    ENOTDIR: inTheWay,
    EISDIR: isFolder,
    ENOTEMPTY: isFolder,
    ELOOP: foreign,
    EACCES: notWritable,
    EPERM: notWritable,
    EROFS: notWritable,
    ENOSPC: full,
    EDQUOT: full,
    EFBIG: full,
    EMLINK: full,
    ENAMETOOLONG: tooLong,
    EMFILE: busy,
    ENFILE: busy,
  },
}

const unknown: Readonly<Record<Doing, readonly [ErrorCode, string]>> = {
  read: ['RESOURCE_UNAVAILABLE', 'The blob could not be read'],
  write: ['FILE_WRITE_ERROR', 'The blob could not be written'],
}

/** What the file system said as a JobError; everything else as it is. */
export function fileFailure(thrown: unknown, doing: Doing): unknown {
  const errno = errnoOf(thrown)
  if (errno === undefined) return thrown
  const [code, message, reason] = meanings[doing][errno] ?? [...unknown[doing], errno]
  return new JobError(code, message, { details: { reason } })
}

/** Whether the system failed with one of these. */
export function isErrno(thrown: unknown, ...names: readonly string[]): boolean {
  const errno = errnoOf(thrown)
  return errno !== undefined && names.includes(errno)
}

/** An error as the system would give it. */
export function errnoError(name: string): Error {
  return Object.assign(new Error(name), { code: name })
}

/** Undefined when the system says that nothing is there. */
export async function orMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

function errnoOf(thrown: unknown): string | undefined {
  if (thrown instanceof JobError || !(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' && /^E[A-Z0-9]+$/.test(thrown.code) ? thrown.code : undefined
}
