import { expect, test } from 'bun:test'
import { runBatch } from '../../src/cli/batch.ts'
import { UsageError } from '../../src/cli/command.ts'
import type { WrittenJob } from '../../src/cli/job-lines.ts'
import type { Output } from '../../src/cli/output.ts'

class Lines implements Output {
  readonly stdoutIsTerminal = false
  readonly stderrIsTerminal = false
  readonly printed: string[] = []
  readonly complaints: string[] = []
  async print(line: string): Promise<void> {
    this.printed.push(line)
  }
  complain(line: string): void {
    this.complaints.push(line)
  }
  progress(): void {}
  async flush(): Promise<void> {}
}

async function* jobs(count: number): AsyncGenerator<WrittenJob> {
  for (let at = 1; at <= count; at++) yield { where: `line ${at}`, value: { type: 'echo', assignment_id: `job-${at}` } }
}

const never = new AbortController().signal

test('no more than the limit are under way, and each is handled once', async () => {
  const output = new Lines()
  let waiting: (() => void)[] = []
  const tally = await runBatch({
    jobs: jobs(51),
    async handle({ assignmentId }) {
      // None ends before three are under way, and a fourth would be seen.
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        expect(waiting.length).toBeLessThanOrEqual(3)
        if (waiting.length < 3) return
        for (const go of waiting) go()
        waiting = []
      })
      return { kind: 'line', line: { id: assignmentId }, failed: assignmentId === 'job-7' }
    },
    inFlight: 3,
    signal: never,
    output,
  })
  expect(tally).toEqual({ succeeded: 50, failed: 1, brokenOff: false })
  expect(new Set(output.printed).size).toBe(51)
})

test('what cannot be read or sent is named and counts as failed; the rest is handled', async () => {
  const output = new Lines()
  async function* written(): AsyncGenerator<WrittenJob> {
    yield { where: 'line 1', problem: 'this is no JSON' }
    yield { where: 'line 2', value: { type: 7, tenant_id: '' } }
    yield { where: 'line 3', value: 'text' }
    yield* jobs(1)
    yield { where: 'line 5', value: { type: 'echo', assignment_id: 'lost' } }
  }
  const tally = await runBatch({
    jobs: written(),
    handle: async ({ assignmentId }) =>
      assignmentId === 'lost'
        ? { kind: 'problem', problem: 'no result in time' }
        : { kind: 'line', line: { id: assignmentId }, failed: false },
    inFlight: 2,
    signal: never,
    output,
  })
  expect(tally).toEqual({ succeeded: 1, failed: 4, brokenOff: false })
  expect(output.printed).toEqual(['{"id":"job-1"}'])
  expect(output.complaints.map((line) => line.slice(0, 8))).toEqual(['line 1: ', 'line 2: ', 'line 3: ', 'line 5 ('])
  expect(output.complaints[1]).toContain('tenant_id')
  expect(output.complaints[1]).toContain('job.type')
})

test('after an abort nothing is begun, and what runs is waited for', async () => {
  const output = new Lines()
  const abort = new AbortController()
  const begun: string[] = []
  const tally = await runBatch({
    jobs: jobs(10),
    async handle({ assignmentId }) {
      begun.push(assignmentId)
      if (begun.length === 2) abort.abort()
      await Promise.resolve()
      return { kind: 'line', line: {}, failed: false }
    },
    inFlight: 1,
    signal: abort.signal,
    output,
  })
  expect(begun).toEqual(['job-1', 'job-2'])
  expect(tally).toEqual({ succeeded: 2, failed: 0, brokenOff: false })
})

test('when reading breaks off, what is under way is waited for and printed', async () => {
  const output = new Lines()
  const broken = Promise.withResolvers<void>()
  async function* written(): AsyncGenerator<WrittenJob> {
    yield* jobs(2)
    broken.resolve()
    throw Object.assign(new Error('i/o'), { code: 'EIO' })
  }
  const tally = await runBatch({
    jobs: written(),
    async handle({ assignmentId }) {
      await broken.promise
      return { kind: 'line', line: { id: assignmentId }, failed: false }
    },
    inFlight: 9,
    signal: never,
    output,
  })
  expect(tally).toEqual({ succeeded: 2, failed: 0, brokenOff: true })
  expect(output.printed).toEqual(['{"id":"job-1"}', '{"id":"job-2"}'])
  expect(output.complaints).toEqual(['reading broke off after line 2: EIO'])
})

test('input of which nothing can be read is a mistake of the caller', () => {
  // biome-ignore lint/correctness/useYield: it breaks before the first job.
  async function* written(): AsyncGenerator<WrittenJob> {
    throw Object.assign(new Error('i/o'), { code: 'EIO' })
  }
  const handle = () => Promise.reject(new Error('never called'))
  const batch = runBatch({ jobs: written(), handle, inFlight: 1, signal: never, output: new Lines() })
  expect(batch).rejects.toThrow(new UsageError('the jobs cannot be read: EIO'))
})

test('a job that is nested too deeply is named, and the rest is handled', async () => {
  const output = new Lines()
  async function* written(): AsyncGenerator<WrittenJob> {
    const payload: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
    yield { where: 'line 1', value: { type: 'echo', payload } }
    yield* jobs(1)
  }
  const handle = () => Promise.resolve({ kind: 'line', line: {}, failed: false } as const)
  expect(await runBatch({ jobs: written(), handle, inFlight: 1, signal: never, output })).toMatchObject({
    succeeded: 1,
    failed: 1,
  })
  expect(output.complaints).toEqual(['line 1: the job is nested too deeply'])
})
