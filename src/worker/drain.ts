import type { Bus, Intake as Source } from '../bus/bus.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Heartbeats } from './heartbeat.ts'
import type { Intake } from './intake.ts'
import type { HeldJobs } from './status.ts'

interface Parts {
  readonly source: Source
  readonly intake: Intake
  readonly held: HeldJobs
  readonly heartbeats: Heartbeats
  readonly bus: Pick<Bus, 'flush' | 'connected'>
  /** Aborted when results can wait no longer. */
  readonly closing: AbortController
  /** How long running jobs may go on, in milliseconds. */
  readonly graceMs: number
  readonly clock: Clock
  readonly log: Logger
}

/** How long interrupted jobs may take to settle, and results to be published, before what is left is dead-lettered. */
const lastWordsMs = 5000
/** How long the last messages may take to reach the server. */
const farewellMs = 1000

/**
 * The line, backwards: takes no more, gives back what has not started, lets running jobs end within the grace period,
 * interrupts the rest, and waits until every job has left.
 */
export async function drain(parts: Parts): Promise<void> {
  const { source, intake, held, heartbeats, bus, closing, graceMs, clock, log } = parts
  log.info('Draining', { context: { jobs: held.size } })
  heartbeats.drain()
  const stopped = source.stop()
  intake.drain(stopped)
  await stopped
  for (const job of held) {
    if (job.state === 'running') job.stopSoon('interrupted')
    else job.stop('interrupted')
  }
  const settled = intake.settled()
  if (!(await within(graceMs, settled, clock))) {
    log.warn('The grace period is over; running jobs are interrupted', { context: { jobs: held.size } })
    for (const job of held) job.stop('interrupted')
    // Without a connection no result will leave: what there is to say is kept at once.
    if (!(await within(bus.connected ? lastWordsMs : 0, settled, clock))) closing.abort()
    await settled
  }
  heartbeats.stop()
  if (bus.connected) await sendTheRest(bus, clock)
  log.info('Drained')
}

async function sendTheRest(bus: Pick<Bus, 'flush'>, clock: Clock): Promise<void> {
  const limit = new AbortController()
  const sent = bus.flush(limit.signal).catch(() => undefined)
  if (!(await within(farewellMs, sent, clock))) limit.abort()
}

/** Whether the work ends within the time. */
async function within(ms: number, work: Promise<void>, clock: Clock): Promise<boolean> {
  const called = new AbortController()
  const inTime = work.then(() => true)
  const late = clock.sleep(ms, called.signal).then(
    () => false,
    () => true,
  )
  const ended = await Promise.race([inTime, late])
  called.abort()
  return ended
}
