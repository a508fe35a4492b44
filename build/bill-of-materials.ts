import type { LockedPackage } from './lock-file.ts'

/** A package, and what its licence is called in SPDX. */
export interface LicensedPackage extends LockedPackage {
  readonly licence: string
}

/** What a bill of materials tells of. */
export interface Materials {
  readonly product: {
    readonly name: string
    readonly version: string
    readonly licence: string
    readonly summary: string
  }
  readonly commit: string
  /** When the commit was made, in ISO 8601. */
  readonly committed: string | undefined
  /** The executables, and the path of the package whose Bun each one holds. */
  readonly executables: readonly { readonly file: string; readonly sha256: string; readonly runtime: string }[]
  readonly libraries: readonly LicensedPackage[]
  /** The paths of the libraries that the product itself names. */
  readonly direct: readonly string[]
  readonly runtimes: readonly LicensedPackage[]
}

/**
 * The bill of materials of a release, in the JSON form of CycloneDX 1.6: the executables with their SHA-256, the libraries in
 * them, the Bun in each, and what needs what. The same materials make the same text.
 */
export function billOfMaterials(materials: Materials): string {
  const { product, commit, committed, executables, libraries, runtimes } = materials
  const self = `${product.name}@${product.version}`
  const refs = new Map([...libraries, ...runtimes].map((item) => [item.path, purlOf(item)]))
  const refsOf = (paths: readonly string[]): readonly string[] => paths.map((path) => refs.get(path) ?? unknown(path))
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      ...(committed === undefined ? {} : { timestamp: committed }),
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': self,
        name: product.name,
        version: product.version,
        description: product.summary,
        licenses: licences(product.licence),
        pedigree: { commits: [{ uid: commit }] },
        components: executables.map(({ file, sha256 }) => ({
          type: 'file',
          'bom-ref': file,
          name: file,
          hashes: [{ alg: 'SHA-256', content: sha256 }],
        })),
      },
    },
    components: [
      ...runtimes.map((item) => component('platform', item)),
      ...libraries.map((item) => component('library', item)),
    ],
    dependencies: [
      { ref: self, dependsOn: refsOf(materials.direct) },
      ...executables.map(({ file, runtime }) => ({ ref: file, dependsOn: [self, ...refsOf([runtime])] })),
      ...[...runtimes, ...libraries].map((item) => ({ ref: purlOf(item), dependsOn: refsOf(item.needs) })),
    ],
  }
  const serialNumber = `urn:uuid:${Bun.randomUUIDv5(JSON.stringify(bill), 'url')}`
  return `${JSON.stringify({ $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json', serialNumber, ...bill }, null, 2)}\n`
}

function component(type: 'library' | 'platform', item: LicensedPackage): Readonly<Record<string, unknown>> {
  const purl = purlOf(item)
  const [group, name] = item.name.startsWith('@') ? item.name.split('/') : [undefined, item.name]
  return {
    type,
    'bom-ref': purl,
    ...(group === undefined ? {} : { group }),
    name,
    version: item.version,
    hashes: [{ alg: 'SHA-512', content: hexOf(item) }],
    licenses: licences(item.licence),
    purl,
  }
}

/** An identifier, or an expression of several. */
function licences(licence: string): readonly unknown[] {
  return [/^[\w.+-]+$/.test(licence) ? { license: { id: licence } } : { expression: licence }]
}

function purlOf({ name, version }: LockedPackage): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

function hexOf({ name, integrity }: LockedPackage): string {
  const [, digest] = /^sha512-([\w+/]+=*)$/.exec(integrity) ?? []
  if (digest === undefined) throw new Error(`${name} has no SHA-512 in its lock file`)
  return Buffer.from(digest, 'base64').toString('hex')
}

function unknown(path: string): never {
  throw new Error(`${path} is needed and not among the materials`)
}
