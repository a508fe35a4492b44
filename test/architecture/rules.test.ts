/** Each rule of the architecture fails on a source that breaks it, and lets one pass that keeps it. */
import { describe, expect, test } from 'bun:test'
import { importCycles, wrongImports } from './import-rules.ts'
import { foreignUses, strayWireNames } from './owner-rules.ts'
import { longestFile, shapeFaults } from './shape-rules.ts'
import { parseSource } from './source-file.ts'

const importing = (path: string, specifier: string) =>
  wrongImports(parseSource(path, `import { x } from '${specifier}'\nx()`))

describe('imports', () => {
  test.each([
    ['src/lib/backoff.ts', '../errors.ts'],
    ['src/nats/nats-bus.ts', '../bus/bus.ts'],
    ['src/nats/nats-bus.ts', '@nats-io/transport-node'],
    ['src/worker/role.ts', '../handlers/index.ts'],
    ['src/worker/routes.ts', 'elysia'],
    ['src/http/server.ts', 'elysia'],
    ['src/handlers/echo.ts', '../handler.ts'],
    ['src/cli/version.ts', '../../package.json'],
    ['src/main.ts', './roles.ts'],
  ])('%s may import %s', (path, specifier) => {
    expect(importing(path, specifier)).toEqual([])
  })

  test.each([
    ['src/lib/backoff.ts', '../observe/logger.ts', 'lib stands below observe'],
    ['src/errors.ts', './config/load.ts', 'errors stands below config'],
    ['src/bus/bus.ts', '../nats/nats-bus.ts', 'bus stands below nats'],
    ['src/http/server.ts', '../worker/role.ts', 'http stands below worker'],
    ['src/worker/role.ts', '../approvals/role.ts', 'roles do not import each other'],
    ['src/handlers/echo.ts', '../protocol/json.ts', 'handlers do not see protocol'],
    ['src/handlers/sql.ts', '../services/sql.ts', 'only the types of services'],
    ['src/worker/role.ts', '../novelty/thing.ts', 'no place among the layers'],
    ['src/novelty/thing.ts', '../lib/clock.ts', 'no place among the layers'],
    ['src/worker/role.ts', '../../test/support/fake-clock.ts', 'outside src/'],
    ['src/worker/role.ts', '@nats-io/nats-core', 'another owner'],
    ['src/worker/status.ts', 'elysia', 'another owner'],
    ['src/worker/status.ts', 'prom-client', 'another owner'],
    ['src/worker/status.ts', 'node:timers/promises', 'another owner'],
  ])('%s may not import %s', (path, specifier, reason) => {
    const found = importing(path, specifier)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`${path}:1 `)
    expect(found[0]).toContain(reason)
  })

  test.each([
    `import type { X } from '../worker/job.ts'`,
    `import { type X } from '../worker/job.ts'`,
    `export { x } from '../worker/job.ts'`,
    `export * from '../worker/job.ts'`,
    `const x = await import('../worker/job.ts')`,
    `import '../worker/job.ts'`,
  ])('are seen in every form: %s', (source) => {
    expect(wrongImports(parseSource('src/lib/x.ts', source))).toHaveLength(1)
  })

  test('handlers see the types of services', () => {
    const source = `import type { Fetch } from '../services/fetch.ts'\nexport type X = Fetch`
    expect(wrongImports(parseSource('src/handlers/http.ts', source))).toEqual([])
  })

  test('in a circle are found, once; a straight line is none', () => {
    const a = parseSource('src/lib/a.ts', `import { b } from './b.ts'\nb()`)
    const b = parseSource('src/lib/b.ts', `import type { C } from '../c.ts'\nexport const b: C = 1`)
    const straight = parseSource('src/c.ts', 'export type C = number')
    const round = parseSource('src/c.ts', `import { a } from './lib/a.ts'\na()`)
    expect(importCycles([a, b, straight])).toEqual([])
    expect(importCycles([a, b, round])).toEqual(['src/lib/a.ts -> src/lib/b.ts -> src/c.ts -> src/lib/a.ts'])
  })
})

describe('one owner', () => {
  const using = (path: string, source: string) => foreignUses(parseSource(path, source))

  test.each([
    'const x = process.env',
    `const x = process.env['NATS_URL']`,
    'const x = Bun.env.HOME',
    'const x = import.meta.env.HOME',
    'setTimeout(() => {}, 1)',
    'globalThis.setTimeout(() => {}, 1)',
    'const later = setInterval',
    'await Bun.sleep(1)',
    'const x = AbortSignal.timeout(1)',
    'const x = Date.now()',
    'const x = performance.now()',
    'const x = new Date()',
    'console.log(1)',
    'process.stdout.write("")',
    'const x = new Worker("x.ts")',
    'Bun.sleepSync(1)',
  ])('%s is found', (source) => {
    expect(using('src/worker/job.ts', source).length).toBeGreaterThan(0)
    expect(using('src/worker/job.ts', source)[0]).toStartWith('src/worker/job.ts:1 ')
  })

  test.each([
    ['src/config/load.ts', 'const x = process.env'],
    ['src/main.ts', 'const x = process.env'],
    ['src/lib/clock.ts', 'const x = Date.now() + performance.now()\nsetTimeout(() => {}, 1)'],
    ['src/observe/logger.ts', 'process.stdout.write("")'],
    ['src/worker/job.ts', 'const x = new Date(0)'],
    ['src/worker/job.ts', '// console.log, Date.now()\nconst x = "process.env"'],
    ['src/worker/job.ts', 'const x = { setTimeout: 1, console: 2 }\nx.setTimeout'],
  ])('%s may: %s', (path, source) => {
    expect(using(path, source)).toEqual([])
  })

  test('names of the wire are found outside schemas, and left alone in logs, details and schemas', () => {
    const found = (path: string, source: string) => strayWireNames(parseSource(path, source)).length
    expect(found('src/worker/job.ts', 'const x = { worker_id: 1 }')).toBe(1)
    expect(found('src/worker/job.ts', 'interface X { worker_id: string }')).toBe(1)
    expect(found('src/worker/job.ts', `log.info('', { worker_id: 1 })\nconst x = { error_message: 1 }`)).toBe(1)
    expect(found('src/worker/job.ts', `log.info('', { context: { worker_id: 1 } })`)).toBe(0)
    expect(found('src/worker/job.ts', `throw new JobError('', '', { details: { retry_after: 1 } })`)).toBe(0)
    expect(found('src/worker/job.ts', 'const x = { assignment_id: 1, NATS_URL: 2 }')).toBe(0)
    expect(found('src/protocol/ack.ts', 'const x = { worker_id: 1 }')).toBe(0)
  })
})

describe('shape', () => {
  const faults = (path: string, source: string) => shapeFaults(parseSource(path, source))
  const fine = 'export const x = 1\n'

  test('a file may be long, but not longer', () => {
    expect(faults('src/lib/x.ts', 'f()\n'.repeat(longestFile))).toEqual([])
    expect(faults('src/lib/x.ts', 'f()\n'.repeat(longestFile + 1))).toHaveLength(1)
  })

  test.each(['src/lib/bounded-map.ts', 'src/handlers/index.ts', 'test/contract/bus.contract.ts', 'test/lib/a.test.ts'])(
    '%s is a good name',
    (path) => expect(faults(path, fine)).toEqual([]),
  )

  test.each([
    'src/lib/BoundedMap.ts',
    'src/lib/bounded_map.ts',
    'src/Lib/map.ts',
    'src/lib/utils.ts',
    'src/lib/helper.ts',
    'src/common.ts',
    'src/worker/types.ts',
    'src/lib/index.ts',
  ])('%s is no good name', (path) => {
    expect(faults(path, fine)).toHaveLength(1)
  })

  test.each([
    ['export default 1', 'a default export'],
    ['enum X { a }', 'an enum'],
    ['namespace X { export const a = 1 }', 'a namespace'],
    ['const x: any = 1', 'any'],
    ['const x = y!', 'a non-null assertion'],
    [`export { x } from './x.ts'`, 'a barrel'],
    [`export const a = 1\nexport * from './x.ts'`, 'a barrel'],
    ['// TODO: more\nf()', 'work not done'],
    ['/* FIXME */ f()', 'work not done'],
    ['// ------------\nf()', 'a banner'],
    ['// const x = f(1)\nf()', 'code in a comment'],
  ])('%j is found', (source, fault) => {
    const found = faults('src/lib/x.ts', source)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(fault)
  })

  test('a source that does not parse is refused', () => {
    expect(() => parseSource('src/lib/x.ts', 'const = 1')).toThrow('src/lib/x.ts does not parse')
  })
})
