import { createHash } from 'node:crypto'

/** Longer names are told apart by a hash, so that each fits into a file system. */
const longestName = 100
const reserved = /^(?:con|prn|aux|nul|(?:com|lpt)[0-9])$/

/**
 * The name of a tenant's folder: another one for every other tenant, also where a file system takes upper and lower
 * case for the same, and nothing but lower-case letters, digits, `-`, `_`, `%` and `~`.
 */
export function tenantFolder(tenantId: string): string {
  const name = tenantId === '' ? '%' : encoded(tenantId)
  if (name.length <= longestName && tenantId.isWellFormed()) return name
  const hash = createHash('sha256').update(tenantId, 'utf16le').digest('hex')
  // No encoded name has a tilde.
  return `${name.slice(0, 40)}~${hash}`
}

function encoded(tenantId: string): string {
  const name = [...Buffer.from(tenantId)]
    .map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : percent(byte)))
    .join('')
  return reserved.test(name) ? percent(name.charCodeAt(0)) + name.slice(1) : name
}

function isPlain(byte: number): boolean {
  return /[a-z0-9_-]/.test(String.fromCharCode(byte))
}

function percent(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0')}`
}
