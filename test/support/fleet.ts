import { type BeamlineProcess, startBeamline } from './beamline-process.ts'
import type { Wire, WireClient } from './wire-client.ts'

/** Starts `count` workers on one server and resolves when all are ready. */
export async function startFleet(
  count: number,
  settings: Readonly<Record<string, string>>,
): Promise<readonly BeamlineProcess[]> {
  const fleet = await Promise.all(Array.from({ length: count }, () => startBeamline(['start'], settings)))
  await Promise.all(fleet.map((beamline) => beamline.ready()))
  return fleet
}

/** One assignment for a job, with an id of its own unless one is given. */
export function assignment(type: string, payload: unknown, more: Wire = {}): Wire & { readonly assignment_id: string } {
  const id = crypto.randomUUID()
  return {
    version: '1',
    tenant_id: 'acme',
    job: { type, payload },
    ...more,
    assignment_id: String(more['assignment_id'] ?? id),
  }
}

/** The sum of a metric over processes, for all its labels or those that contain a text. */
export async function sumOfMetric(fleet: readonly BeamlineProcess[], name: string, labels = ''): Promise<number> {
  const counts = await Promise.all(fleet.map(async (beamline) => metricOf(await beamline.url(), name, labels)))
  return counts.reduce((sum, count) => sum + count, 0)
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
