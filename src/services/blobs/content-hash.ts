import type { OpenFile } from './blob-file.ts'

const pieceBytes = 256 * 1024

/** SHA-256 of all that a file holds, in hexadecimal. Rejects with the signal's reason, or the system's error. */
export async function contentHash({ handle }: Pick<OpenFile, 'handle'>, signal: AbortSignal): Promise<string> {
  const hash = new Bun.CryptoHasher('sha256')
  const buffer = Buffer.allocUnsafe(pieceBytes)
  for (let at = 0; ; ) {
    signal.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, pieceBytes, at)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}
