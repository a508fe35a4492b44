const codeSignatureCommand = 0x1d
const superBlobMagic = 0xfade0cc0
const codeDirectoryMagic = 0xfade0c02
const sha256Type = 2

/** What is wrong with the signature in a 64-bit Mach-O file: each page of the file has its SHA-256 in it. */
export function codeSignatureFaults(file: Buffer): readonly string[] {
  const signature = signatureOf(file)
  if (signature === undefined) return ['is not signed']
  const directory = codeDirectoryOf(signature)
  if (directory === undefined) return ['has a signature without a code directory']
  const [hashes, count, limit] = [directory.readUInt32BE(16), directory.readUInt32BE(28), directory.readUInt32BE(32)]
  const [size = 0, type, pageBits = 0] = [directory[36], directory[37], directory[39]]
  if (type !== sha256Type) return [`has hashes of type ${type}`]
  if (limit !== file.length - signature.length && limit !== signature.byteOffset - file.byteOffset) {
    return [`is signed up to ${limit} only`]
  }
  const pageBytes = 2 ** pageBits
  if (count !== Math.ceil(limit / pageBytes)) return [`has ${count} pages of ${pageBytes} for ${limit} bytes`]
  const wrong: string[] = []
  for (let page = 0; page < count; page += 1) {
    const text = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit))
    const signed = directory.subarray(hashes + page * size, hashes + (page + 1) * size)
    const actual = new Bun.CryptoHasher('sha256').update(text).digest()
    if (!actual.equals(signed)) wrong.push(`page ${page} is not what was signed`)
  }
  return wrong
}

function signatureOf(file: Buffer): Buffer | undefined {
  const commands = file.readUInt32LE(16)
  let at = 32
  for (let index = 0; index < commands; index += 1) {
    if (file.readUInt32LE(at) === codeSignatureCommand) {
      const [start, size] = [file.readUInt32LE(at + 8), file.readUInt32LE(at + 12)]
      return file.subarray(start, start + size)
    }
    at += file.readUInt32LE(at + 4)
  }
  return undefined
}

function codeDirectoryOf(signature: Buffer): Buffer | undefined {
  if (signature.readUInt32BE(0) !== superBlobMagic) return undefined
  const count = signature.readUInt32BE(8)
  for (let index = 0; index < count; index += 1) {
    const blob = signature.subarray(signature.readUInt32BE(12 + index * 8 + 4))
    if (blob.readUInt32BE(0) === codeDirectoryMagic) return blob
  }
  return undefined
}
