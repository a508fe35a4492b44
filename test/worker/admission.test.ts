import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { admit, deadlineOf } from '../../src/worker/admission.ts'
import { Registry } from '../../src/worker/registry.ts'
import { probe } from '../support/probe.ts'
import type { Wire } from '../support/worker-rig.ts'
import { decoded } from './make-job.ts'

const handler = probe(() => undefined, { type: 'probe', aliases: ['probe.it'] })

describe('the registry', () => {
  test('finds a handler by each of its spellings, and by nothing else', () => {
    const registry = new Registry([handler, probe(() => undefined, { type: 'other' })])
    expect(registry.find('probe')).toBe(handler)
    expect(registry.find('probe.it')).toBe(handler)
    for (const name of ['Probe', 'probe ', '', '__proto__', 'constructor', 'toString']) {
      expect(registry.find(name)).toBeUndefined()
    }
    expect(registry.types).toEqual(['other', 'probe'])
  })

  test('refuses two handlers for one spelling', () => {
    expect(() => new Registry([handler, probe(() => undefined, { type: 'probe.it' })])).toThrow('probe.it')
  })
})

describe('admission', () => {
  const registry = new Registry([handler])
  const codeOf = (fields: Wire, tenants?: ReadonlySet<string>): string => {
    const admitted = admit(decoded(fields), { registry, tenants })
    return admitted instanceof JobError ? admitted.code : admitted.type
  }

  test('is for known types and welcome tenants', () => {
    expect(codeOf({ job: { type: 'probe.it' } })).toBe('probe')
    expect(codeOf({ job: { type: 'nothing' } })).toBe('UNKNOWN_JOB_TYPE')
    expect(codeOf({ job: { type: 'probe' } }, new Set(['acme']))).toBe('probe')
    expect(codeOf({ job: { type: 'probe' } }, new Set(['other']))).toBe('TENANT_NOT_ALLOWED')
    expect(codeOf({ job: { type: 'probe' } }, new Set())).toBe('TENANT_NOT_ALLOWED')
    expect(codeOf({ job: { type: 'nothing' } }, new Set(['other']))).toBe('UNKNOWN_JOB_TYPE')
  })
})

describe('the deadline', () => {
  const options = { deadline_ms: 500 }
  const at = (fields: Wire, strict = false): number | undefined => deadlineOf(decoded(fields), 1000, strict)

  test('counts from receipt', () => {
    expect(at({ options })).toBe(1500)
    expect(at({ options: { deadline_ms: 0 } })).toBe(1000)
    expect(at({})).toBeUndefined()
  })

  test.each([
    { type: 'probe', timeout_ms: 9 },
    { type: 'probe', payload: { timeout_ms: 9 } },
    { type: 'probe', inputs: { timeout_ms: 9 } },
  ])('is set aside by %p, unless it is strict', (job) => {
    expect(at({ options, job })).toBeUndefined()
    expect(at({ options, job }, true)).toBe(1500)
  })

  test('is not set aside by a limit that is null', () => {
    expect(at({ options, job: { type: 'probe', timeout_ms: null, payload: { timeout_ms: null } } })).toBe(1500)
  })
})
