import { SecretMask } from '../../src/lib/secret-mask.ts'
import { LastingSecrets } from '../../src/lib/secret-set.ts'

/** Values that are masked. */
export function secretSet(...values: readonly string[]): LastingSecrets {
  const set = new LastingSecrets()
  for (const value of values) set.add(value)
  return set
}

/** Masks these values. */
export function maskOf(...values: readonly string[]): SecretMask {
  const set = secretSet(...values)
  return new SecretMask(() => [set])
}
