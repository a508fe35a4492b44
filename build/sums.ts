/** The SHA-256 of a file, in hexadecimal digits. */
export async function sha256(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher('sha256')
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk)
  return hash.digest('hex')
}

/** A file and its SHA-256. */
export interface Sum {
  readonly file: string
  readonly sha256: string
}

/** The sums as `sha256sum --check` reads them. */
export function sumsText(sums: readonly Sum[]): string {
  return sums.map((sum) => `${sum.sha256}  ${sum.file}\n`).join('')
}
