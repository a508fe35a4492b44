/** The file store of jobs: what it offers. Blobs are plain files in a folder, and nothing outside it is ever touched. */

/** What is known of one blob. */
export interface BlobInfo {
  /** As it was normalised, relative, with `/` between its parts. */
  readonly path: string
  /** In bytes. */
  readonly size: number
  /** In hexadecimal, as computed when it was put, also where the file was written to since; absent for other files. */
  readonly sha256?: string
  /** RFC 3339, UTC. */
  readonly modified: string
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** From then on it counts as gone; RFC 3339, UTC. */
  readonly expires?: string
}

/** How a blob is to be put. */
export interface PutOptions {
  /** False: FILE_EXISTS when a blob is there, decided by the file system. */
  readonly overwrite: boolean
  /** Put only where the blob there has this content, in hexadecimal; else PRECONDITION_FAILED. */
  readonly ifSha256?: string
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** How long until it counts as gone, whatever FS_TTL_SECONDS says. */
  readonly ttlSeconds?: number
  readonly signal: AbortSignal
}

/** A blob that was put. */
export interface PutBlob extends BlobInfo {
  readonly sha256: string
  /** No blob was there before. */
  readonly created: boolean
}

/** Bytes from `start` up to and without `end`; without `end`, to the end of the blob. */
export interface BlobRange {
  readonly start: number
  readonly end?: number
}

/** One blob held open: what it says and what it reads belong together, whatever others put there meanwhile. */
export interface BlobReading extends AsyncDisposable {
  readonly info: BlobInfo
  /** What is read of it, within its size. */
  readonly range: { readonly start: number; readonly end: number }
  /** The range at once; QUOTA_EXCEEDED, before anything is read, when it is longer than `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>
  /** The range in pieces, each valid until the next one is asked for. */
  stream(): AsyncIterable<Uint8Array>
}

/** One page of a listing, by path; `next` is the cursor of the following page. */
export interface BlobPage {
  readonly items: readonly BlobInfo[]
  readonly next?: string
}

/**
 * The file store. Paths are relative and refused with INVALID_PATH when they are not plain; what is not a plain file of
 * this store is refused with PERMISSION_DENIED; a folder that is missing or full is RESOURCE_UNAVAILABLE.
 */
export interface Blobs extends AsyncDisposable {
  /** FS_MAX_BLOB_BYTES: what is longer is refused with QUOTA_EXCEEDED. */
  readonly maxBlobBytes: number
  /** Stores the content whole or not at all. */
  put(
    tenantId: string,
    path: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options: PutOptions,
  ): Promise<PutBlob>
  /** Rejects with what a put would say of the path and of what stands there now, before it takes any content. */
  check(tenantId: string, path: string, options: Pick<PutOptions, 'overwrite' | 'ifSha256' | 'signal'>): Promise<void>
  /** FILE_NOT_FOUND when there is none. */
  stat(tenantId: string, path: string, signal: AbortSignal): Promise<BlobInfo>
  /** Opens a blob; FILE_NOT_FOUND when there is none, INVALID_INPUT when the range begins behind its end. */
  read(
    tenantId: string,
    path: string,
    options: { readonly range?: BlobRange; readonly signal: AbortSignal },
  ): Promise<BlobReading>
  /** The blobs whose paths begin with the prefix, in the order of their paths; `limit` of them at most. */
  list(
    tenantId: string,
    options: {
      readonly prefix?: string
      readonly limit: number
      readonly cursor?: string
      readonly signal: AbortSignal
    },
  ): Promise<BlobPage>
  /** Whether one was removed; FILE_NOT_FOUND when there is none, unless `missingOk`. */
  remove(
    tenantId: string,
    path: string,
    options: { readonly ifSha256?: string; readonly missingOk: boolean; readonly signal: AbortSignal },
  ): Promise<boolean>
}
