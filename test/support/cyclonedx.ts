import { dirname, join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

const library = Bun.fileURLToPath(import.meta.resolve('@cyclonedx/cyclonedx-library/package.json'))
const schemas = join(dirname(library), 'res/schema')

/** What is wrong with a bill of materials by the schema of CycloneDX 1.6; every reference in it has to lead somewhere too. */
export async function billFaults(text: string): Promise<readonly string[]> {
  compiled ??= validator()
  const valid = await compiled
  const bill: unknown = JSON.parse(text)
  if (!valid(bill)) return (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  return danglingReferences(bill)
}

let compiled: Promise<ValidateFunction> | undefined

async function validator(): Promise<ValidateFunction> {
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats(ajv)
  // Not in the library of formats, and not in our bills.
  for (const format of ['iri-reference', 'idn-email']) ajv.addFormat(format, /^$/)
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
    ajv.addSchema(await schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`)
  }
  return ajv.compile(await schema('bom-1.6'))
}

async function schema(name: string): Promise<object> {
  return (await Bun.file(join(schemas, `${name}.SNAPSHOT.schema.json`)).json()) as object
}

function danglingReferences(bill: unknown): readonly string[] {
  const named: string[] = []
  const used: string[] = []
  JSON.stringify(bill, (key, value: unknown) => {
    if (key === 'bom-ref' && typeof value === 'string') named.push(value)
    if (key === 'ref' && typeof value === 'string') used.push(value)
    if (key === 'dependsOn' && Array.isArray(value)) used.push(...value.map(String))
    return value
  })
  const twice = named.filter((name, index) => named.indexOf(name) !== index)
  return [
    ...twice.map((name) => `${name} is there twice`),
    ...used.filter((name) => !named.includes(name)).map((name) => `${name} is nowhere`),
  ]
}
