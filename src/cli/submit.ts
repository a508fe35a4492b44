import type { Bus } from '../bus/bus.ts'
import { PublishError } from '../bus/bus.ts'
import { duration } from '../config/kinds.ts'
import type { Config } from '../config/schema.ts'
import type { Submission } from '../exchange/submission.ts'
import { Submissions } from '../exchange/submit.ts'
import { buildInfo } from '../lib/build-info.ts'
import type { Clock } from '../lib/clock.ts'
import { openLogger } from '../observe/logger.ts'
import { Metrics } from '../observe/metrics.ts'
import { type JobEnd, runBatch } from './batch.ts'
import { type Command, UsageError } from './command.ts'
import { exitCodes } from './exit-code.ts'
import { readJobs } from './job-lines.ts'
import { openJobs } from './job-source.ts'
import type { Output } from './output.ts'
import { openSender, reached } from './sender.ts'
import { withDefaults } from './settings.ts'
import { loadTried, signIn } from './trials.ts'

/** Jobs whose results are awaited at once. */
const inFlight = 1_000
const timeoutKind = duration('1ms', '30d')

export const submit: Command = {
  name: 'submit',
  operands: 'FILE|-',
  summary: 'Publishes jobs to NATS for the workers there, and prints their results.',
  details: `The file is written as for "beamline run". The results are printed on standard output as they arrive, one
a line. What has no result in time is named on standard error; it may still run. Ends with 1 when a job
failed or has no result, with 3 when NATS cannot be reached. Runs nothing itself.`,
  flags: [
    { name: 'no-wait', summary: 'Prints {"assignment_id"} as soon as a job has been handed over.' },
    { name: 'timeout', value: 'TIME', summary: 'How long to wait for each result (30s); a number is milliseconds.' },
  ],
  examples: ['beamline submit jobs.jsonl', 'NATS_URL=nats://queue:4222 beamline submit --timeout 5m jobs.jsonl'],
  async run({ operands, has, value, env, output, ending, clock }) {
    const timeoutMs = readTimeout(value('timeout') ?? '30s')
    const defaults = { LOG_LEVEL: 'warn', LOG_FORMAT: output.stderrIsTerminal ? 'pretty' : 'json' }
    const config = await loadTried(withDefaults(env, defaults), [signIn])
    const jobs = readJobs(await openJobs('submit', operands), ending.signal)
    await using bus = await open(config, output, clock)
    if (!(await reached(bus, ending.signal, clock))) {
      output.complain(`beamline: NATS cannot be reached: ${bus.health().nats}`)
      return exitCodes.unreachable
    }
    await using submissions = new Submissions({ bus, subjects: config.subjects, clock })
    const tally = await runBatch({
      jobs,
      handle: has('no-wait')
        ? (submission) => handOver(bus, config.subjects.assign, submission, ending.signal)
        : (submission) => awaitResult(submissions, submission, timeoutMs, ending.signal),
      inFlight,
      signal: ending.signal,
      output,
    })
    const { succeeded, failed, brokenOff } = tally
    const interrupted = ending.signal.aborted
    if (failed > 0 || brokenOff || interrupted || output.stderrIsTerminal) {
      output.complain(
        `${succeeded + failed} jobs: ${succeeded} ${has('no-wait') ? 'sent' : 'succeeded'}, ${failed} failed`,
      )
    }
    return failed > 0 || brokenOff || interrupted ? exitCodes.failed : exitCodes.done
  },
}

function readTimeout(text: string): number {
  const parsed = timeoutKind.schema.safeParse(text)
  if (parsed.success) return parsed.data
  throw new UsageError(`--timeout: expected ${timeoutKind.accepts}, not "${text}"`)
}

async function open(config: Config, output: Output, clock: Clock): Promise<Bus> {
  const { level, format } = config.log
  const to = (line: string): void => output.complain(line)
  const log = openLogger({ level, format, workerId: config.worker.id, component: 'submit', to, clock })
  const metrics = new Metrics(buildInfo, clock)
  // Nothing scrapes them.
  metrics[Symbol.dispose]()
  return openSender({ config, log, metrics, clock })
}

async function handOver(
  bus: Bus,
  subject: string,
  { body, assignmentId }: Submission,
  signal: AbortSignal,
): Promise<JobEnd> {
  try {
    await bus.publish({ subject, body }, signal)
    return { kind: 'line', line: { assignment_id: assignmentId }, failed: false }
  } catch (error) {
    return { kind: 'problem', problem: notHandedOver(error) }
  }
}

async function awaitResult(
  submissions: Submissions,
  submission: Submission,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<JobEnd> {
  try {
    const received = await submissions.submit(submission, timeoutMs, signal)
    if (received !== undefined) return { kind: 'line', line: received.result, failed: received.status !== 'success' }
    return {
      kind: 'problem',
      problem: signal.aborted ? 'interrupted; it may still run' : 'no result in time; it may still run',
    }
  } catch (error) {
    return { kind: 'problem', problem: notHandedOver(error) }
  }
}

function notHandedOver(error: unknown): string {
  if (!(error instanceof PublishError)) return 'interrupted before it was handed over'
  const why = error.reason === 'no-responders' ? 'no worker listens and no stream keeps it' : error.message
  return `not handed over: ${why}`
}
