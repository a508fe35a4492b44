/** The hostile scripts as jobs of a worker in a process of its own, beside jobs of other people. */
import { expect } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import type { BeamlineProcess } from './beamline-process.ts'
import { assignment } from './fleet.ts'
import { type TortureScript, tortureScripts } from './script-torture.ts'
import type { Wire, WireClient } from './wire-client.ts'

/** How long after its limit a script may still take to end, in milliseconds. */
const longestDelayMs = 300

/** As many as there are script threads, so that all of them are busy. */
const lanes = 2

/** The settings that a worker needs for it. */
export const tortureSettings = { SCRIPT_THREADS: String(lanes), WORKER_MAX_CONCURRENCY: '16' }

/** Runs all scripts, each followed by an honest one, while echo jobs flow; fails when any of them does not end as it has to. */
export async function expectTortureSurvived(beamline: BeamlineProcess, wire: WireClient): Promise<void> {
  let isOver = false
  const echoes = flow(wire, () => isOver)
  const wrong: string[] = []
  const left = [...tortureScripts]
  // Starting the threads and loading their sandboxes is not what is measured.
  const warmUp = { code: 'const end = Date.now() + 1000; while (Date.now() < end);' }
  await Promise.all(Array.from({ length: lanes }, () => run(wire, 'javascript', warmUp)))
  const lane = async (): Promise<void> => {
    for (let script = left.shift(); script !== undefined; script = left.shift()) {
      const result = await run(wire, 'javascript', payloadOf(script))
      const problem = problemOf(script, result)
      if (problem !== undefined) wrong.push(`${script.name}: ${problem}`)
      const next = await run(wire, 'javascript', { code: 'x * 2', args: { x: 21 }, timeout_ms: 2000 })
      if (next['output'] !== 42) wrong.push(`after ${script.name}: ${JSON.stringify(next)}`)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane)).finally(() => {
    isOver = true
  })
  const waitsMs = await echoes
  expect(wrong).toEqual([])
  expect(waitsMs.length).toBeGreaterThan(tortureScripts.length)
  expect(Math.max(...waitsMs)).toBeLessThan(1000)
  expect(wire.broken).toEqual([])
  expect(beamline.logs().filter(({ level }) => level === 'ERROR')).toEqual([])
}

/** How long each echo job took that was sent one after another until `isOver`, in milliseconds. */
async function flow(wire: WireClient, isOver: () => boolean): Promise<readonly number[]> {
  const waitsMs: number[] = []
  while (!isOver()) {
    const from = systemClock.monotonic()
    const { status } = await run(wire, 'echo', { n: waitsMs.length })
    if (status !== 'success') throw new Error('An echo job failed')
    waitsMs.push(systemClock.monotonic() - from)
    await systemClock.sleep(5)
  }
  return waitsMs
}

async function run(wire: WireClient, type: string, payload: unknown): Promise<Wire> {
  const job = assignment(type, payload)
  wire.send(job)
  return await wire.result(job.assignment_id, 30_000)
}

function payloadOf({ code, args, captureLogs, limitMs }: TortureScript): Wire {
  return { code, timeout_ms: limitMs, ...(args && { args }), ...(captureLogs && { capture_logs: true }) }
}

function problemOf(script: TortureScript, result: Wire): string | undefined {
  const ending = endingOf(result)
  if (!script.endings.some((allowed) => allowed === ending)) return `${ending} ${JSON.stringify(result).slice(0, 300)}`
  const latencyMs = Number(result['latency_ms'])
  if (latencyMs > script.limitMs + longestDelayMs) return `it took ${latencyMs} ms`
  const isRight = script.output === undefined || Bun.deepEquals(result['output'], script.output)
  return isRight ? undefined : `its output is ${JSON.stringify(result['output']).slice(0, 300)}`
}

function endingOf(result: Wire): string {
  const { status, error_code: code } = result
  if (status === 'success') return status
  if (code !== 'SCRIPT_LIMIT_EXCEEDED') return String(code)
  // The error's details name the limit.
  return String((result['error_details'] as Wire)['limit']).toUpperCase()
}
