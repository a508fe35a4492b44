/** A folder with a file for each secret, as Kubernetes mounts them. */
import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../errors.ts'
import { isSecretName } from './secret-name.ts'

/** What a file holds, or why it cannot be used; `missing` also when it is empty. */
export type SecretText = { readonly text: string } | 'missing' | 'unreadable'

/** The most bytes that are read. */
const mostBytes = 64 * 1024

// Without O_NONBLOCK a pipe among the files would be waited for. Windows knows none.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** The names of the secrets in a folder. Throws ConfigError when it cannot be read. */
export async function secretsIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter(isSecretName)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    throw new ConfigError([`SECRETS_DIR: the folder ${folder} cannot be read (${reason})`])
  }
}

/** What the file of this name holds, in UTF-8, without one line end at its end. Symbolic links are followed. Never rejects. */
export async function readSecret(folder: string, name: string): Promise<SecretText> {
  if (!isSecretName(name)) return 'missing'
  try {
    await using file = await open(join(folder, name), flags)
    if (!(await file.stat()).isFile()) return 'unreadable'
    const buffer = new Uint8Array(mostBytes + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, length)
      length += bytesRead
      if (bytesRead === 0 || length > mostBytes) break
    }
    if (length > mostBytes) return 'unreadable'
    const text = new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)).replace(/\r?\n$/, '')
    return text === '' ? 'missing' : { text }
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'missing' : 'unreadable'
  }
}
