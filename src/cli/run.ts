import { openMemoryBus } from '../bus/memory-bus.ts'
import { Submissions } from '../exchange/submit.ts'
import { worker } from '../roles.ts'
import { runBatch, type Tally } from './batch.ts'
import type { Command } from './command.ts'
import type { Ending } from './ending.ts'
import { exitCodes } from './exit-code.ts'
import { readJobs } from './job-lines.ts'
import { openJobs } from './job-source.ts'
import { loopback } from './loopback.ts'
import type { Output } from './output.ts'
import { openPlatform } from './platform.ts'
import { scratchDeadLetters } from './scratch.ts'
import { withDefaults } from './settings.ts'
import { loadTried, scratch, secrets } from './trials.ts'

export const run: Command = {
  name: 'run',
  operands: 'FILE|-',
  summary: 'Runs jobs from a file or from standard input, here and now, without NATS.',
  details: `The file holds JSON lines, a JSON array or one object; each is a job {"type","payload"} or a whole
assignment, and missing ids are made up. The results are printed on standard output as the jobs end, one
a line; the log (warnings, unless LOG_LEVEL is set) goes to standard error. What cannot be read is named
with its line, counts as failed, and the rest is run all the same.

Jobs may reach servers on this machine, unless EGRESS_ALLOW_CIDRS says otherwise. Nothing is kept but
blobs, in FS_BASE_DIR, and dead letters: in a file in the temporary folder, not in DLQ_PATH. The first
SIGINT starts no more jobs and gives running ones SHUTDOWN_GRACE_MS. Ends with 1 when a job failed or
was not run.`,
  flags: [],
  examples: ['beamline run examples/demo.jsonl', `echo '{"type":"echo","payload":{"hello":"world"}}' | beamline run -`],
  async run({ operands, env, output, ending, clock }) {
    const format = output.stderrIsTerminal ? 'pretty' : 'json'
    const defaults = { LOG_LEVEL: 'warn', LOG_FORMAT: format, EGRESS_ALLOW_CIDRS: loopback }
    const loaded = await loadTried(withDefaults(env, defaults), [secrets, scratch])
    const deadLetters = { ...loaded.deadLetters, path: await scratchDeadLetters('run') }
    const config = { ...loaded, deadLetters }
    const jobs = readJobs(await openJobs('run', operands), ending.signal)
    await using platform = await openPlatform({
      config,
      roles: [worker],
      openBus: async () => openMemoryBus({ assignSubject: config.subjects.assign }),
      logTo: (line) => output.complain(line),
      about: { mode: 'memory' },
      ending,
      clock,
    })
    await using submissions = new Submissions({ bus: platform.bus, subjects: config.subjects, clock })
    platform.start()
    // Whoever has no result when draining has ended gets none.
    const over = new AbortController()
    const drained = ending.requested.then(() => platform.drain()).then(() => over.abort())
    const tally = await runBatch({
      jobs,
      async handle(submission) {
        const received = await submissions.submit(submission, Number.POSITIVE_INFINITY, over.signal)
        if (received === undefined) return { kind: 'problem', problem: 'it has no result' }
        return { kind: 'line', line: received.result, failed: received.status !== 'success' }
      },
      // All of them find room in the queue, so that none is refused for want of it.
      inFlight: Math.min(config.worker.queueSize, 2 * config.worker.maxConcurrency),
      signal: ending.signal,
      output,
    })
    if (ending.signal.aborted) await drained
    return verdict(tally, { ending, output, deadLetters: deadLetters.path })
  },
}

function verdict(
  { succeeded, failed, brokenOff }: Tally,
  { ending, output, deadLetters }: { readonly ending: Ending; readonly output: Output; readonly deadLetters: string },
): number {
  const interrupted = ending.signal.aborted
  const counts = `${succeeded + failed} jobs: ${succeeded} succeeded, ${failed} failed`
  if (failed > 0 || brokenOff || interrupted || output.stderrIsTerminal) {
    output.complain(`${counts}${interrupted ? '; interrupted, so the rest was not run' : ''}`)
  }
  if (failed > 0) output.complain(`Dead letters, if any: ${deadLetters}`)
  return failed > 0 || brokenOff || interrupted ? exitCodes.failed : exitCodes.done
}
