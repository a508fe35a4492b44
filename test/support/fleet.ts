import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BeamlineProcess, startBeamline } from './beamline-process.ts'
import { eventually } from './eventually.ts'
import type { Wire, WireClient } from './wire-client.ts'

/** Workers that share one server. Disposing of it kills them. */
export interface Fleet extends AsyncDisposable {
  readonly workers: readonly BeamlineProcess[]
}

/** Starts `count` workers and resolves when all are ready. */
export async function startFleet(count: number, settings: Readonly<Record<string, string>>): Promise<Fleet> {
  await using starting = new AsyncDisposableStack()
  const started = await Promise.all(Array.from({ length: count }, () => startBeamline(['start'], settings)))
  const workers = started.map((worker) => starting.use(worker))
  await Promise.all(workers.map((worker) => worker.ready()))
  const owned = starting.move()
  return { workers, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The warnings and errors that a worker logged. */
export function complaintsOf(worker: BeamlineProcess): readonly string[] {
  const lines = worker.logs().filter(({ level }) => level === 'WARN' || level === 'ERROR')
  return lines.map((line) => JSON.stringify(line))
}

/** Everything in a worker's dead-letter files; notifications of them are limited to ten a second. */
export async function deadLettersOf({ folder }: BeamlineProcess): Promise<readonly Wire[]> {
  const files = ['dead-letters.jsonl', 'dead-letters.rejected.jsonl']
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8').catch(() => '')))
  // The worker writes one object a line.
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Wire),
  )
}

/** One assignment for a job, with an id of its own. */
export function assignment(type: string, payload: unknown, more: Wire = {}): Wire & { readonly assignment_id: string } {
  return { version: '1', tenant_id: 'acme', job: { type, payload }, ...more, assignment_id: crypto.randomUUID() }
}

/** The sum of a metric over processes, for all its labels or those that contain a text. */
export async function sumOfMetric(workers: readonly BeamlineProcess[], name: string, labels = ''): Promise<number> {
  const counts = await Promise.all(workers.map(async (beamline) => metricOf(await beamline.url(), name, labels)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Resolves when a metric has come to `count`, summed over processes; rejects when it does not, or goes beyond. A result is
 * heard before the worker that published it has counted it.
 */
export async function metricComesTo(workers: readonly BeamlineProcess[], name: string, count: number): Promise<void> {
  await eventually(async () => (await sumOfMetric(workers, name)) >= count)
  const sum = await sumOfMetric(workers, name)
  if (sum !== count) throw new Error(`${name} is ${sum}, not ${count}`)
}

async function metricOf(url: string, name: string, labels: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** Ids that do not have exactly one of something, such as one result. */
export function notOnce(ids: readonly string[], seen: ReadonlyMap<string, readonly unknown[]>): readonly string[] {
  return ids.filter((id) => seen.get(id)?.length !== 1)
}

/** Sends in portions, so that neither the server's nor the client's buffers are what is tested. */
export async function sendAll(wire: WireClient, assignments: readonly Wire[]): Promise<void> {
  for (let index = 0; index < assignments.length; index += 500) {
    for (const message of assignments.slice(index, index + 500)) wire.send(message)
    await wire.flush()
  }
}
