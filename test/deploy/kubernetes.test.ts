import { describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { Deployment } from 'kubernetes-models/apps/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { Namespace, Service, ServiceAccount } from 'kubernetes-models/v1'
import { loadConfig } from '../../src/config/load.ts'
import { contains, parseAddress, parseNetwork } from '../../src/lib/ip-address.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { at, manifests, variablesOf, yamlOf } from './files.ts'

const root = resolve(import.meta.dir, '../..')

/** Where the schemas and the types of each kind come from. */
const kinds = {
  Deployment: { model: Deployment, module: 'kubernetes-models/apps/v1' },
  NetworkPolicy: { model: NetworkPolicy, module: 'kubernetes-models/networking.k8s.io/v1' },
  PodDisruptionBudget: { model: PodDisruptionBudget, module: 'kubernetes-models/policy/v1' },
  Namespace: { model: Namespace, module: 'kubernetes-models/v1' },
  Service: { model: Service, module: 'kubernetes-models/v1' },
  ServiceAccount: { model: ServiceAccount, module: 'kubernetes-models/v1' },
  PodMonitor: { model: PodMonitor, module: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1' },
} as const

function kindOf({ kind }: JsonObject): (typeof kinds)[keyof typeof kinds] {
  const found = Object.entries(kinds).find(([name]) => name === kind)?.[1]
  if (found === undefined) throw new Error(`There is no schema for ${String(kind)}`)
  return found
}

/** What the schema has against a manifest; fields that it does not know are let pass. */
function problem(document: JsonObject): string {
  try {
    // Whether it is one is what is asked.
    ;new (kindOf(document).model as new (data: JsonObject) => Deployment)(document).validate()
    return ''
  } catch (error) {
    return String(error)
  }
}

/** What the type checker has against manifests, written as literals: fields that are misspelt, above all. */
async function complaints(documents: readonly JsonObject[]): Promise<string> {
  await mkdir(join(root, '.cache'), { recursive: true })
  const folder = await mkdtemp(join(root, '.cache/manifests-'))
  try {
    const lines = documents.map((document, index) => {
      const type = `import('${kindOf(document).module}').I${String(document['kind'])}`
      return `export const document${index}: ${type} = ${JSON.stringify(document)}`
    })
    await writeFile(join(folder, 'manifests.ts'), lines.join('\n'))
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', include: ['manifests.ts'] }),
    )
    const command = [process.execPath, '--bun', 'run', '--silent', 'tsc', '--noEmit', '--project', folder]
    const checker = Bun.spawn(command, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    const [text, code] = await Promise.all([checker.stdout.text(), checker.exited])
    return code === 0 ? '' : text
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A quantity such as `2Gi`; 0 where there is none. */
function bytes(quantity: unknown): number {
  const [, number = '0', unit = ''] = /^(\d+)([MG])i$/.exec(String(quantity)) ?? []
  return Number(number) * (unit === 'G' ? 2 ** 30 : 2 ** 20)
}

const all = manifests()
const documents = [...all].filter(([name]) => name !== 'kustomization.yaml').map(([, document]) => document)
const deployment = yamlOf('kubernetes/deployment.yaml')[0] ?? {}
const pod = at(deployment, 'spec', 'template', 'spec')
const container = at(pod, 'containers', 0)

describe('the manifests', () => {
  test('fit their schemas, which would notice', () => {
    expect(documents.map(problem)).toEqual(documents.map(() => ''))
    expect(problem({ ...deployment, spec: { replicas: 'three' } })).toContain('replicas')
  })

  test('have no field that Kubernetes does not know, which would be noticed', async () => {
    expect(await complaints(documents)).toBe('')
    const misspelt = JSON.parse(JSON.stringify(deployment).replace('readOnlyRootFilesystem', 'readOnlyRootFs'))
    expect(await complaints([misspelt])).toContain('readOnlyRootFs')
  }, 30_000)

  test('are all in the kustomization, but for what needs an operator', () => {
    const resources = at(all.get('kustomization.yaml'), 'resources')
    const named = Array.isArray(resources) ? resources.map(String) : []
    expect([...all.keys()].toSorted()).toEqual([...named, 'kustomization.yaml', 'pod-monitor.yaml'].toSorted())
  })

  test('select the pods of the deployment, and the port by its name', () => {
    const labels = at(deployment, 'spec', 'template', 'metadata', 'labels')
    const selectors = [
      at(deployment, 'spec', 'selector', 'matchLabels'),
      at(all.get('service.yaml'), 'spec', 'selector'),
      at(all.get('pod-disruption-budget.yaml'), 'spec', 'selector', 'matchLabels'),
      at(all.get('network-policy.yaml'), 'spec', 'podSelector', 'matchLabels'),
      at(all.get('pod-monitor.yaml'), 'spec', 'selector', 'matchLabels'),
      at(pod, 'topologySpreadConstraints', 0, 'labelSelector', 'matchLabels'),
      at(pod, 'topologySpreadConstraints', 1, 'labelSelector', 'matchLabels'),
    ]
    expect(selectors).toEqual(selectors.map(() => labels))
    expect(at(container, 'ports')).toEqual([{ name: 'metrics', containerPort: 9091 }])
    const users = [
      ...['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => at(container, probe, 'httpGet', 'port')),
      at(all.get('service.yaml'), 'spec', 'ports', 0, 'targetPort'),
      at(all.get('network-policy.yaml'), 'spec', 'ingress', 0, 'ports', 0, 'port'),
      at(all.get('pod-monitor.yaml'), 'spec', 'podMetricsEndpoints', 0, 'port'),
    ]
    expect(users).toEqual(users.map(() => 'metrics'))
  })

  test('keep to what Kubernetes calls restricted, and give the pod nothing to ask Kubernetes with', () => {
    expect(at(pod, 'securityContext')).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(at(container, 'securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(at(pod, 'automountServiceAccountToken')).toBe(false)
    const volumes = at(pod, 'volumes')
    expect(Array.isArray(volumes) && volumes.some((volume) => at(volume, 'hostPath') !== undefined)).toBe(false)
    const mounts = at(container, 'volumeMounts')
    expect(mounts).toContainEqual({ name: 'tmp', mountPath: '/tmp' })
  })

  test('let jobs out to the public, and to nothing that is not', () => {
    const rules = at(all.get('network-policy.yaml'), 'spec', 'egress')
    const peers = (Array.isArray(rules) ? rules : []).filter((rule) => at(rule, 'ports') === undefined)
    const blocks = peers.flatMap((rule) => [at(rule, 'to')].flat().map((peer) => at(peer, 'ipBlock')))
    const within = (address: string, cidr: unknown): boolean => {
      const [network, parsed] = [parseNetwork(String(cidr)), parseAddress(address)]
      return network !== undefined && parsed !== undefined && contains(network, parsed)
    }
    const isOut = (address: string): boolean =>
      blocks.some(
        (block) =>
          within(address, at(block, 'cidr')) &&
          ![at(block, 'except') ?? []].flat().some((except) => within(address, except)),
      )
    const metadata = ['169.254.169.254', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fe80::a9fe:a9fe']
    const inside = [
      '10.0.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '198.18.0.1',
      'fd12::1',
      '::ffff:10.0.0.1',
      '2002:a00:1::',
    ]
    expect([...metadata, ...inside].filter(isOut)).toEqual([])
    const outside = ['1.1.1.1', '172.32.0.1', '2606:4700::1111']
    expect(outside.filter(isOut)).toEqual(outside)
  })

  test('have room for what they may keep, in the volume and in the pod', () => {
    const { deadLetters, blobs } = loadConfig(variablesOf('kubernetes/settings.env').set)
    const volumes = [at(pod, 'volumes')].flat()
    const limits = new Map(volumes.map((volume) => [at(volume, 'name'), bytes(at(volume, 'emptyDir', 'sizeLimit'))]))
    expect(deadLetters.totalMaxBytes + (blobs.maxTotalBytes ?? Number.NaN)).toBeLessThan(limits.get('data') ?? 0)
    const room = bytes(at(container, 'resources', 'limits', 'ephemeral-storage'))
    expect((limits.get('data') ?? 0) + (limits.get('tmp') ?? 0)).toBeLessThan(room)
  })

  test('survive the loss of a node, and an outage of NATS', () => {
    expect(at(deployment, 'spec', 'replicas')).toBe(3)
    expect(at(container, 'startupProbe', 'httpGet', 'path')).toBe('/health')
    expect(at(container, 'livenessProbe', 'httpGet', 'path')).toBe('/health')
    expect(at(container, 'readinessProbe', 'httpGet', 'path')).toBe('/ready')
    expect(at(all.get('pod-disruption-budget.yaml'), 'spec', 'maxUnavailable')).toBe(1)
  })
})
