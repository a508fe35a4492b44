/** The fields that say which blob is meant, and what is kept beside it. */
import { z } from 'zod'
import { bounded, fieldsOf, textUpTo } from '../http/bounded.ts'

/** The most entries of `metadata`, and characters of a name, of a value and of all of them together. */
const metadataLimits = { entries: 50, name: 128, value: 1024, together: 8192 } as const

const longestTtlSeconds = 10 * 365 * 24 * 60 * 60

/** Longer texts, in UTF-16 units, are no paths; which shorter ones are is for the store to say. */
export const longestPath = 4096

/** Which blob. */
export const pathField = textUpTo(longestPath).describe('The path of the blob: relative, with `/` between its parts.')

/** A SHA-256 as a job writes it; lower case afterwards. */
export const sha256Field = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, { error: 'Not a SHA-256 in hexadecimal' })
  .transform((digest) => digest.toLowerCase())

const halved = { error: 'Holds half of a character' }

const metadataText = (most: number) => textUpTo(most).refine((text) => text.isWellFormed(), halved)

const metadataRecord = bounded(
  z
    .record(metadataText(metadataLimits.name).min(1), metadataText(metadataLimits.value))
    .refine((metadata) => lengthOf(metadata) <= metadataLimits.together, {
      error: `At most ${metadataLimits.together} characters together`,
    }),
  { most: metadataLimits.entries, what: 'entries' },
)

/** It would be lost on the way through plain objects. */
const unusable = '__proto__'

const metadataField = z.preprocess((metadata, context) => {
  if (typeof metadata === 'object' && metadata !== null && Object.hasOwn(metadata, unusable)) {
    context.addIssue({ code: 'custom', message: `No name: ${unusable}` })
  }
  return metadata
}, metadataRecord)

function lengthOf(metadata: Readonly<Record<string, string>>): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

/** How a blob is to be put, but for its content. */
export const putFields = {
  overwrite: z.boolean().default(true).describe('False: FILE_EXISTS when a blob is there already.'),
  if_sha256: sha256Field
    .optional()
    .describe('Put only where the blob that is there has this SHA-256, else PRECONDITION_FAILED.'),
  content_type: textUpTo(256)
    .regex(/^[\x21-\x7e]+\/[\x20-\x7e]+$/, { error: 'Not a content type' })
    .optional()
    .describe('What the blob is, such as `text/csv`.'),
  metadata: metadataField
    .optional()
    .describe(
      `Names and texts kept beside the blob: ${metadataLimits.entries} at most, ${metadataLimits.together.toLocaleString('en')} characters together.`,
    ),
  ttl_seconds: z
    .int()
    .min(1)
    .max(longestTtlSeconds)
    .optional()
    .describe('After how many seconds it may be removed; without it after FS_TTL_SECONDS, if that is set.'),
}

type PutInput = z.output<z.ZodObject<typeof putFields>>

/** The same for the store. */
export function putOptions(input: PutInput) {
  const { overwrite, if_sha256: ifSha256, content_type: contentType, metadata, ttl_seconds: ttlSeconds } = input
  return {
    overwrite,
    ...(ifSha256 === undefined ? {} : { ifSha256 }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  }
}

/** An input of these fields; those that are null are absent. */
export function blobInput<T extends z.ZodType>(fields: T) {
  return fieldsOf(fields)
}
