import { readFile } from 'node:fs/promises'
import { codeSignatureFaults } from './code-signature.ts'

/** What an executable file says of itself. */
export interface ExecutableFormat {
  readonly format: 'ELF' | 'Mach-O' | 'PE'
  readonly machine: 'x64' | 'arm64'
  /** ELF: the loader that it asks for. */
  readonly loader?: string
  /** Mach-O: what is wrong with its signature, without which Apple's processors run nothing. */
  readonly signatureFaults?: readonly string[]
}

/** Reads the headers of an executable for 64-bit machines; rejects when it is none. */
export async function readExecutable(path: string): Promise<ExecutableFormat> {
  const file = await readFile(path)
  const magic = file.readUInt32BE(0)
  if (magic === 0x7f454c46) return elf(file)
  if (magic === 0xcffaedfe) return machO(file)
  if (magic >>> 16 === 0x4d5a) return pe(file)
  throw new Error(`${path} is no executable`)
}

function elf(file: Buffer): ExecutableFormat {
  const [bits, order] = [file[4], file[5]]
  if (bits !== 2 || order !== 1) throw new Error('not 64 bits, or not little-endian')
  const machine = machineOf(file.readUInt16LE(18), 0x3e, 0xb7)
  const [start, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
  for (let index = 0; index < count; index += 1) {
    const header = file.subarray(start + index * size)
    const interpreter = 3
    if (header.readUInt32LE(0) !== interpreter) continue
    const [at, length] = [Number(header.readBigUInt64LE(8)), Number(header.readBigUInt64LE(32))]
    return { format: 'ELF', machine, loader: file.toString('latin1', at, at + length - 1) }
  }
  return { format: 'ELF', machine }
}

function machO(file: Buffer): ExecutableFormat {
  const machine = machineOf(file.readUInt32LE(4), 0x01000007, 0x0100000c)
  return { format: 'Mach-O', machine, signatureFaults: codeSignatureFaults(file) }
}

function pe(file: Buffer): ExecutableFormat {
  const at = file.readUInt32LE(0x3c)
  if (file.readUInt32BE(at) !== 0x50450000) throw new Error('no PE header')
  const console = 3
  if (file.readUInt16LE(at + 24 + 68) !== console) throw new Error('not a console program')
  return { format: 'PE', machine: machineOf(file.readUInt16LE(at + 4), 0x8664, 0xaa64) }
}

function machineOf(value: number, x64: number, arm64: number): 'x64' | 'arm64' {
  if (value === x64) return 'x64'
  if (value === arm64) return 'arm64'
  throw new Error(`unknown machine ${value}`)
}
