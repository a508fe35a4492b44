import { describe, expect, test } from 'bun:test'
import { parser } from '@prometheus-io/lezer-promql'
import { z } from 'zod'
import { Metrics } from '../../src/observe/metrics.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { textOf, yamlOf } from './files.ts'

/** The labels that Prometheus itself adds, and of histograms. */
const everywhere = ['job', 'instance', 'le']

const rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Beamline[A-Za-z]+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket', 'info']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string().optional() }),
        }),
      ),
    }),
  ),
})
const target = z.object({ expr: z.string(), refId: z.string() })
const box = z.object({ h: z.int(), w: z.int(), x: z.int(), y: z.int() })
const dashboard = z.object({
  title: z.literal('Beamline'),
  panels: z.array(
    z.object({ id: z.int(), title: z.string(), type: z.string(), gridPos: box, targets: z.array(target).optional() }),
  ),
  annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
})

const alerts = rules.parse(yamlOf('prometheus/alerts.yaml')[0]).groups.flatMap((group) => group.rules)
const board = dashboard.parse(JSON.parse(textOf('grafana/beamline.json')))
const expressions = [
  ...alerts.map(({ expr }) => expr),
  ...board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...board.annotations.list.map(({ expr }) => expr),
]

/** Everything that a worker can tell, with the labels of each. */
async function series(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  using metrics = new Metrics({ version: '1', bun: '1', commit: 'c' }, new FakeClock())
  metrics.assignment('accepted')
  metrics.jobEnded('echo', 'success', 1)
  metrics.jobFailed('echo', 'TIMEOUT')
  metrics.jobRetried('echo', 'TIMEOUT')
  metrics.jobStuck('echo')
  metrics.deadLetterWritten('JOB_FAILED')
  metrics.blobRemoved('expired')
  metrics.scriptThreadReplaced('stuck')
  metrics.approvalEnded('approved')
  metrics.observe({
    ready: () => true,
    activeJobs: () => 1,
    queueDepth: () => 1,
    slots: () => 1,
    consumer: () => ({ pending: 1, ackPending: 1 }),
    deadLetters: () => ({ bytes: 1, entries: 1 }),
    databases: () => ({ busy: 1, idle: 1, waiting: 1 }),
    blobs: () => ({ bytes: 1, blobs: 1 }),
    breakers: () => ({ closed: 1, open: 1, halfOpen: 1 }),
    scriptThreads: () => ({ busy: 1, idle: 1 }),
    waitingScriptTasks: () => 1,
    parkedJobs: () => 1,
  })
  const { body } = await metrics.text()
  const found = new Map<string, Set<string>>()
  for (const [, name = '', labels = ''] of body.matchAll(/^([a-z_]+)(\{.*\})? /gm)) {
    const known = found.get(name) ?? new Set(everywhere)
    for (const [, label = ''] of labels.matchAll(/([a-z_]+)="/g)) known.add(label)
    found.set(name, known)
  }
  return found
}

/** What is wrong with an expression, by the words of the language and by what there is. */
function problems(expression: string, known: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  // Grafana puts in a duration; and what is inside the variable of a job is a text anyway.
  const text = expression.replaceAll('$__rate_interval', '5m')
  const found: string[] = []
  const names: string[] = []
  const labels: string[] = []
  parser.parse(text).iterate({
    enter({ type, from, to }) {
      const word = text.slice(from, to)
      if (type.isError) found.push(`not understood at ${from}: ${text}`)
      if (type.name === 'VectorSelector') names.push(/^[a-z_]+/.exec(word)?.[0] ?? word)
      if (type.name === 'LabelName') labels.push(word)
    },
  })
  if (names.length === 0) found.push(`asks for nothing: ${text}`)
  found.push(...names.filter((name) => !known.has(name)).map((name) => `no such metric: ${name}`))
  const possible = new Set(names.flatMap((name) => [...(known.get(name) ?? [])]))
  found.push(...labels.filter((label) => !possible.has(label)).map((label) => `no such label: ${label} in ${text}`))
  return found
}

describe('alerts and dashboard', () => {
  test('ask for what workers tell, in words that Prometheus understands', async () => {
    const known = await series()
    expect(expressions.length).toBeGreaterThan(50)
    expect(expressions.flatMap((expression) => problems(expression, known))).toEqual([])
  })

  test('would be found out', async () => {
    const known = await series()
    expect(problems('rate(worker_jobs[5m])', known)).toEqual(['no such metric: worker_jobs'])
    expect(problems('sum by (tenant) (worker_jobs_total)', known)).toHaveLength(1)
    expect(problems('sum(worker_jobs_total', known)).toHaveLength(1)
  })

  test('see the first of something, whose series begins with it', () => {
    const onFirst = alerts.filter(({ expr }) => /^increase\(.+\) > 0$/m.test(expr))
    expect(onFirst.map(({ alert }) => alert)).toEqual([
      'BeamlineResultsNotPublished',
      'BeamlineJobsCrashWorkers',
      'BeamlineStuckHandlers',
    ])
    for (const { expr } of onFirst) {
      const [, series, range] = /increase\((.+)\[(\w+)\]\)/.exec(expr) ?? []
      expect(expr).toContain(`or (${series} unless ${series} offset ${range})`)
    }
  })

  test('the alerts have names of their own', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
  })

  test('the panels have ids of their own and do not lie on each other', () => {
    const { panels } = board
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const overlaps = panels.flatMap(({ title, gridPos: a }, index) =>
      panels
        .slice(index + 1)
        .filter(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
        .map((other) => `${title} and ${other.title}`),
    )
    expect(overlaps).toEqual([])
  })
})
