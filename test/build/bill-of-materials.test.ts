import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { billOfMaterials, type LicensedPackage, type Materials } from '../../build/bill-of-materials.ts'
import { lockedPackages } from '../../build/lock-file.ts'
import { root } from '../../build/source.ts'
import manifest from '../../package.json' with { type: 'json' }
import { billFaults } from '../support/cyclonedx.ts'

const runtime: LicensedPackage = {
  name: '@oven/bun-linux-x64',
  version: '1.4.5',
  integrity: `sha512-${Buffer.alloc(64, 7).toString('base64')}`,
  path: 'node_modules/@oven/bun-linux-x64',
  needs: [],
  licence: 'MIT',
}

async function materials(): Promise<Materials> {
  const libraries = await lockedPackages(join(root, 'bun.lock'), Object.keys(manifest.dependencies))
  return {
    product: { name: 'beamline', version: '1.2.3', licence: 'Apache-2.0', summary: 'Executes jobs' },
    commit: 'abc1234',
    committed: '2026-11-22T07:10:17+00:00',
    executables: [{ file: 'beamline-linux-x64', sha256: 'a'.repeat(64), runtime: runtime.path }],
    libraries: libraries.map((item) => ({ ...item, licence: item.name === 'ulid' ? '(MIT OR Apache-2.0)' : 'MIT' })),
    direct: Object.keys(manifest.dependencies).map((name) => `node_modules/${name}`),
    runtimes: [runtime],
  }
}

interface Component {
  readonly purl: string
  readonly hashes: readonly { readonly content: string }[]
  readonly licenses: readonly unknown[]
}

test('a bill follows the schema, and the schema can tell', async () => {
  const text = billOfMaterials(await materials())
  expect(await billFaults(text)).toEqual([])
  expect(await billFaults(text.replace('"id": "MIT"', '"id": "Mine"'))).not.toEqual([])
  expect(await billFaults(text.replace('"purl"', '"pearl"'))).not.toEqual([])
  expect(await billFaults(text.replace('"dependsOn": [', '"dependsOn": ["nothing",'))).toEqual(['nothing is nowhere'])
})

test('the same materials make the same bill, and other ones another number', async () => {
  const text = billOfMaterials(await materials())
  expect(billOfMaterials(await materials())).toBe(text)
  const other = JSON.parse(billOfMaterials({ ...(await materials()), commit: 'def5678' }))
  expect(other.serialNumber).not.toBe(JSON.parse(text).serialNumber)
})

test('each component has its package URL, the checksum of its archive and its licence', async () => {
  const { components } = JSON.parse(billOfMaterials(await materials())) as { components: readonly Component[] }
  const found = new Map(components.map((component) => [component.purl, component]))
  expect(found.get('pkg:npm/%40oven/bun-linux-x64@1.4.5')?.hashes[0]?.content).toBe('07'.repeat(64))
  expect(found.get(`pkg:npm/ulid@${manifest.dependencies.ulid}`)?.licenses).toEqual([
    { expression: '(MIT OR Apache-2.0)' },
  ])
  expect(found.get(`pkg:npm/%40nats-io/kv@${manifest.dependencies['@nats-io/kv']}`)?.licenses).toEqual([
    { license: { id: 'MIT' } },
  ])
})

test('what has no strong checksum is refused', async () => {
  const weak = { ...runtime, integrity: 'sha1-abc' }
  const all = await materials()
  expect(() => billOfMaterials({ ...all, runtimes: [weak] })).toThrow('has no SHA-512')
})
