import { describe, expect, test } from 'bun:test'
import manifest from '../../package.json' with { type: 'json' }
import { effectiveSettings, loadConfig } from '../../src/config/load.ts'
import { directives } from '../support/unit-file.ts'
import { at, textOf, variablesOf, yamlOf } from './files.ts'

/** Those that are no settings of ours. */
function strangers(variables: readonly string[]): readonly string[] {
  const known = effectiveSettings(Object.fromEntries(variables.map((name) => [name, 'x']))).map(
    ({ variable }) => variable,
  )
  return variables.filter((name) => !known.includes(name))
}

/** A wait such as `60` or `60s`, in milliseconds. */
function milliseconds(text: unknown): number {
  return Number(/^(\d+)s?$/.exec(String(text))?.[1]) * 1000
}

/** The longest drain: the grace period, what the process may take beyond it, and some for the last messages. */
function drainMs(graceMs: number): number {
  return graceMs + 15_000 + 3_000
}

describe.each(['kubernetes/settings.env', 'systemd/beamline.env'])('%s', (path) => {
  test('sets and suggests nothing but settings, with values that are taken', () => {
    const { set, suggested } = variablesOf(path)
    expect(Object.keys(set).length).toBeGreaterThan(5)
    expect(strangers([...Object.keys(set), ...suggested])).toEqual([])
    expect(() => loadConfig(set)).not.toThrow()
  })

  test('keeps what lasts in JetStream', () => {
    const { jetstream, state, deadLetters } = loadConfig(variablesOf(path).set)
    expect([jetstream.mode, state.store, deadLetters.stream]).toEqual(['require', 'nats', 'BEAMLINE_DLQ'])
  })
})

test('the unit and its secrets set nothing but settings', async () => {
  const lines = [...(await directives('Environment')), ...textOf('systemd/secrets.conf').split('\n')]
  const names = lines.flatMap((line) => [...line.matchAll(/\b([A-Z][A-Z0-9_]+)=/g)].map(([, name]) => name ?? ''))
  expect(names).toContain('SECRETS_DIR')
  expect(strangers(names)).toEqual([])
})

test('the workers of the Compose file are given nothing but settings', () => {
  const environment = at(yamlOf('compose.yaml')[0], 'services', 'worker', 'environment')
  const names = Object.keys(environment ?? {})
  expect(names).toContain('NATS_URL')
  expect(strangers(names)).toEqual([])
})

test('nobody is killed while they drain', async () => {
  const usual = loadConfig({}).worker.shutdownGraceMs
  const unit = Number((await directives('TimeoutStopSec'))[0]) * 1000
  expect(unit).toBeGreaterThan(drainMs(usual))
  const pods = at(yamlOf('kubernetes/deployment.yaml')[0], 'spec', 'template', 'spec', 'terminationGracePeriodSeconds')
  const { shutdownGraceMs } = loadConfig(variablesOf('kubernetes/settings.env').set).worker
  const container0 = at(yamlOf('kubernetes/deployment.yaml')[0], 'spec', 'template', 'spec', 'containers', 0)
  const preStop = at(container0, 'lifecycle', 'preStop', 'sleep', 'seconds')
  expect(milliseconds(preStop)).toBeGreaterThan(0)
  expect(milliseconds(pods)).toBeGreaterThan(milliseconds(preStop) + drainMs(shutdownGraceMs))
  const container = at(yamlOf('compose.yaml')[0], 'services', 'worker', 'stop_grace_period')
  expect(milliseconds(container)).toBeGreaterThan(drainMs(usual))
})

test('what is installed is this version', () => {
  const image = `beamline:${manifest.version}`
  expect(at(yamlOf('compose.yaml')[0], 'services', 'worker', 'image')).toBe(image)
  const pod = at(yamlOf('kubernetes/deployment.yaml')[0], 'spec', 'template', 'spec')
  expect(at(pod, 'containers', 0, 'image')).toBe(image)
  expect(at(yamlOf('kubernetes/kustomization.yaml')[0], 'images', 0, 'newTag')).toBe(manifest.version)
})

test('no password is among the files', () => {
  const secret = /(PASSWORD|TOKEN|SECRET|SEED)$/
  for (const path of ['compose.env', 'systemd/beamline.env', 'kubernetes/settings.env']) {
    const { set } = variablesOf(path)
    expect(Object.entries(set).filter(([name, value]) => secret.test(name) && value !== '')).toEqual([])
  }
  const users = [...textOf('nats/users.conf').matchAll(/password: (\S+?),/g)].map(([, value]) => value ?? '')
  expect(users.length).toBe(3)
  expect(users.every((value) => value.startsWith('$'))).toBe(true)
})
