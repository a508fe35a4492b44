/** Where in the box a blob is. */
import { JobError } from '../../errors.ts'
import { type SafePrefix, safePath, safePrefix, type UnsafePath } from '../../lib/safe-path.ts'
import { tenantFolder } from './tenant-folder.ts'

/** The place of one blob. */
export interface Place {
  /** As the job names it, normalised. */
  readonly path: string
  /** The path inside the box. */
  readonly inBox: string
  /** Inside the box. */
  readonly folders: readonly string[]
  /** Its name in the innermost of them. */
  readonly name: string
}

/** Where the blobs of tenants are: all together, or each tenant's apart. */
export class Places {
  readonly #isolated: boolean

  constructor(isolated: boolean) {
    this.#isolated = isolated
  }

  /** The folders that all of a tenant's blobs are in. */
  base(tenantId: string): readonly string[] {
    return this.#isolated ? [tenantFolder(tenantId)] : []
  }

  /** The place of a tenant's path. Throws INVALID_PATH. */
  of(tenantId: string, text: string): Place {
    const read = safePath(text)
    if ('reason' in read) throw invalidPath(read)
    const { path, segments } = read
    const folders = [...this.base(tenantId), ...segments.slice(0, -1)]
    const name = segments.at(-1) ?? ''
    return { path, inBox: [...folders, name].join('/'), folders, name }
  }

  /** Throws INVALID_PATH. */
  prefix(text: string): SafePrefix {
    const read = safePrefix(text)
    if ('reason' in read) throw invalidPath(read)
    return read
  }
}

function invalidPath({ reason, segment }: UnsafePath): JobError {
  const details = { reason, ...(segment === undefined ? {} : { segment }) }
  return new JobError('INVALID_PATH', 'The path cannot be that of a blob', { details })
}
