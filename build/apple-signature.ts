/**
 * Signs a 64-bit Mach-O executable as a linker does: with no identity, only the SHA-256 of each page, without which macOS may
 * kill it. Returns the file with the signature it had, which has to be the last thing in it, replaced.
 */
export function signMachO(unsigned: Buffer, identifier: string): Buffer {
  const { text, linkEdit, signature } = commandsOf(unsigned)
  const limit = unsigned.readUInt32LE(signature + 8)
  const name = Buffer.from(`${identifier}\0`)
  const pages = Math.ceil(limit / pageBytes)
  const directoryBytes = directoryHeaderBytes + name.length + pages * hashBytes
  const signatureBytes = superBlobBytes + directoryBytes
  const file = Buffer.alloc(limit + signatureBytes)
  unsigned.copy(file, 0, 0, limit)
  // What is written here is signed too, so it comes before the hashes.
  const linkEditBytes = BigInt(file.length) - file.readBigUInt64LE(linkEdit + 40)
  file.writeUInt32LE(signatureBytes, signature + 12)
  file.writeBigUInt64LE(linkEditBytes, linkEdit + 48)
  file.writeBigUInt64LE(BigInt(Math.ceil(Number(linkEditBytes) / pageBytes) * pageBytes), linkEdit + 32)

  const blob = file.subarray(limit)
  for (const [index, word] of [0xfade0cc0, signatureBytes, 1, 0, superBlobBytes].entries()) {
    blob.writeUInt32BE(word, index * 4)
  }
  const directory = blob.subarray(superBlobBytes)
  const hashesAt = directoryHeaderBytes + name.length
  const magic = 0xfade0c02
  const version = 0x20400
  const adHocByLinker = 0x20002
  const words = [magic, directoryBytes, version, adHocByLinker, hashesAt, directoryHeaderBytes, 0, pages, limit]
  for (const [index, word] of words.entries()) directory.writeUInt32BE(word, index * 4)
  const sha256 = 2
  directory.set([hashBytes, sha256, 0, Math.log2(pageBytes)], 36)
  directory.writeBigUInt64BE(file.readBigUInt64LE(text + 40), 64)
  directory.writeBigUInt64BE(file.readBigUInt64LE(text + 48), 72)
  const mainProgram = 1n
  directory.writeBigUInt64BE(mainProgram, 80)
  name.copy(directory, directoryHeaderBytes)
  for (let page = 0; page < pages; page += 1) {
    const bytes = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit))
    new Bun.CryptoHasher('sha256')
      .update(bytes)
      .digest()
      .copy(directory, hashesAt + page * hashBytes)
  }
  return file
}

const pageBytes = 4096
const hashBytes = 32
const superBlobBytes = 20
const directoryHeaderBytes = 88

/** Where the commands lie that a signature concerns. */
function commandsOf(file: Buffer): { readonly text: number; readonly linkEdit: number; readonly signature: number } {
  const is64Bit = 0xfeedfacf
  if (file.readUInt32LE(0) !== is64Bit) throw new Error('This is no Mach-O file for 64-bit machines')
  const places = new Map<string, number>()
  const headerBytes = 32
  let at = headerBytes
  for (let left = file.readUInt32LE(16); left > 0; left -= 1) {
    places.set(nameOf(file, at), at)
    at += file.readUInt32LE(at + 4)
  }
  const place = (name: string): number => {
    const found = places.get(name)
    if (found === undefined) throw new Error(`The Mach-O file has no ${name}`)
    return found
  }
  return { text: place('__TEXT'), linkEdit: place('__LINKEDIT'), signature: place('signature') }
}

/** The name of a segment, `signature`, or nothing for every other command. */
function nameOf(file: Buffer, at: number): string {
  const segment = 0x19
  const signature = 0x1d
  const command = file.readUInt32LE(at)
  if (command === signature) return 'signature'
  return command === segment ? file.toString('latin1', at + 8, at + 24).replace(/\0+$/, '') : ''
}
