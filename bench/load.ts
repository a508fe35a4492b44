/** Sends jobs over NATS and counts what comes back. */
import type { NatsConnection } from '@nats-io/transport-node'

/** How long late answers are waited for, and how long an idle worker takes to give memory back, in milliseconds. */
export const settleMs = 3000

/** What became of a load. */
export interface Tally {
  readonly seconds: number
  readonly missing: number
  readonly repeated: number
  readonly unaccepted: number
  /** Results whose status is not success. */
  readonly failed: number
  /** From sending to the result, in milliseconds, one for each job. */
  readonly waits: readonly number[]
}

interface Job {
  readonly type: string
  readonly payload: unknown
}

const decoder = new TextDecoder()

function encode(id: string, n: number, job: Job): string {
  return JSON.stringify({
    version: '1',
    assignment_id: id,
    tenant_id: `tenant-${n % 4}`,
    job,
    correlation: { trace_id: '0af7651916cd43dd8448eb211c80319c' },
  })
}

/** Sends jobs, never more than the given number without a result, and counts what comes back. */
export async function load(
  nc: NatsConnection,
  run: string,
  jobs: number,
  outstanding: number,
  jobFor: (n: number) => Job,
): Promise<Tally> {
  const answers = new Uint8Array(jobs)
  const acks = new Uint8Array(jobs)
  const sentAt = new Float64Array(jobs)
  const waits: number[] = []
  const finished = Promise.withResolvers<void>()
  let sent = 0
  let answered = 0
  let failed = 0
  const numberOf = (body: Uint8Array): number => {
    const text = decoder.decode(body)
    const at = text.indexOf(run)
    return at < 0 ? -1 : Number.parseInt(text.slice(at + run.length + 1), 10)
  }
  const send = (): void => {
    while (sent < jobs && sent - answered < outstanding) {
      sentAt[sent] = performance.now()
      nc.publish('caf.exec.assign.v1', encode(`${run}-${sent}`, sent, jobFor(sent)))
      sent++
    }
  }
  const onResult = nc.subscribe('caf.exec.result.v1', {
    callback: (_, message) => {
      const n = numberOf(message.data)
      if (n < 0) return
      answers[n] = (answers[n] ?? 0) + 1
      if (answers[n] !== 1) return
      if (!decoder.decode(message.data).includes('"status":"success"')) failed++
      waits.push(performance.now() - (sentAt[n] ?? 0))
      answered++
      if (answered === jobs) finished.resolve()
      send()
    },
  })
  const onAck = nc.subscribe('caf.exec.assign.v1.ack', {
    callback: (_, message) => {
      const n = numberOf(message.data)
      if (n >= 0) acks[n] = (acks[n] ?? 0) + 1
    },
  })
  await nc.flush()
  const from = performance.now()
  send()
  await finished.promise
  const seconds = (performance.now() - from) / 1000
  await Bun.sleep(settleMs)
  onResult.unsubscribe()
  onAck.unsubscribe()
  const count = (counts: Uint8Array, fits: (n: number) => boolean): number =>
    counts.reduce((sum, n) => sum + (fits(n) ? 1 : 0), 0)
  return {
    seconds,
    waits,
    failed,
    missing: count(answers, (n) => n === 0),
    repeated: count(answers, (n) => n > 1),
    unaccepted: count(acks, (n) => n !== 1),
  }
}

/** Throws unless every job had exactly one result, a success, and one accepted ack. */
export function requireExact({ waits: _, ...counts }: Tally): void {
  const wrong = counts.missing + counts.repeated + counts.unaccepted + counts.failed
  if (wrong > 0) throw new Error(`not exact: ${JSON.stringify(counts)}`)
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
