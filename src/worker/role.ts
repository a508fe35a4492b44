/** The worker: takes assignments, runs them, reports. The only file here that builds things. */
import type { Intake as Source } from '../bus/bus.ts'
import { AutoReplay } from '../exchange/auto-replay.ts'
import { Replayer } from '../exchange/replay.ts'
import { Submissions } from '../exchange/submit.ts'
import type { Handler } from '../handler.ts'
import type { Platform, Role, RunningRole } from '../role.ts'
import type { Services } from '../services/services.ts'
import { Acks } from './acks.ts'
import { Cancellations } from './cancel.ts'
import { Costs } from './cost.ts'
import { deadLetterRoutes } from './dead-letter-routes.ts'
import { drain } from './drain.ts'
import { Duplicates } from './duplicates.ts'
import { Heartbeats } from './heartbeat.ts'
import { Intake } from './intake.ts'
import { Leases } from './lease.ts'
import { ParkingLot } from './parking-lot.ts'
import { Pipeline } from './pipeline.ts'
import { Redeliveries } from './redelivery.ts'
import { Refusals } from './refusal.ts'
import { Registry } from './registry.ts'
import { Repeats } from './repeats.ts'
import { RetryRoom } from './retry-room.ts'
import { Room } from './room.ts'
import { jobRoutes } from './routes.ts'
import { Slots } from './slots.ts'
import { HeldJobs, JobLookup } from './status.ts'

/** The job types of a worker, which are functions of what they share. */
type HandlersOf = (services: Services) => readonly Handler[]

/** The worker role for these job types. */
export function workerRole(handlersOf: HandlersOf): Role {
  return {
    name: 'worker',
    summary: 'Takes job assignments from NATS, runs them and reports their results.',
    open: (platform) => openWorker(platform, handlersOf(platform.services)),
  }
}

async function openWorker(platform: Platform, handlers: readonly Handler[]): Promise<RunningRole> {
  const { config, bus, clock, metrics, reporting } = platform
  const log = platform.log.child({ component: 'worker' })
  const { subjects, wire } = config
  const {
    id: workerId,
    sandboxMode: sandbox,
    maxConcurrency,
    queueSize,
    strictDeadline,
    shutdownGraceMs,
  } = config.worker
  const { defaultJobTimeoutMs: defaultTimeoutMs, tenantAllowlist } = config.worker
  const envelope = wire.envelope
  const { reporter } = reporting
  reporting.onBlocked((blocked) => (blocked ? source?.pause() : source?.resume()))

  const registry = new Registry(handlers)
  const leases = new Leases(clock)
  const held = new HeldJobs()
  const duplicates = new Duplicates(clock)
  const parkingLot = new ParkingLot({ parking: platform.parking, reporter, clock, log })
  const lookup = new JobLookup(held, duplicates, parkingLot)
  const cancellations = new Cancellations(held, parkingLot, clock, log)
  const costs = new Costs(clock)
  const pools = { cpu: config.worker.cpuPoolSize, io: config.worker.ioPoolSize }
  const slots = new Slots({ total: maxConcurrency, pools, perTenant: config.worker.tenantMaxConcurrency }, clock)
  let source: Source | undefined
  const window = (): number | undefined => source?.window
  const retryRoom = new RetryRoom(clock, window)
  const room = new Room({ slots, retryRoom, queueSize, window, held: () => intake.underWay })
  const { payloads } = platform.services
  const readPayload = payloads.read.bind(payloads)
  const maxOutputBytes = (): number => bus.maxPayload
  const execution = { clock, log, defaultTimeoutMs, strictDeadline, sandbox, maxOutputBytes, readPayload }
  const line = {
    slots,
    retryRoom,
    reporter,
    costs,
    leases,
    held,
    duplicates,
    parkingLot,
    execution,
    clock,
    log,
    metrics,
  }
  const pipeline = new Pipeline({ ...line, random: Math.random })
  const acks = new Acks({ bus, subject: subjects.ack, envelope, enabled: wire.acks, fill: () => room.fill, clock })
  const refusals = new Refusals({ leases, acks, duplicates, reporter, log, metrics })
  const intake = new Intake({
    ...{ leases, held, cancellations, room, costs, acks, clock, log, metrics },
    rules: { registry, tenants: tenantAllowlist === undefined ? undefined : new Set(tenantAllowlist) },
    strictDeadline,
    repeats: new Repeats({ held, duplicates, parkingLot, leases, reporter, log, metrics }),
    redeliveries: new Redeliveries({ maxDeliveries: config.jetstream.maxDeliveries, refusals, log }),
    refusals,
    start: (job) => pipeline.run(job),
  })
  const cancelSubscription = cancellations.listen(bus, subjects.cancel)
  const submissions = new Submissions({ bus, subjects, clock })
  const { deadLetters: store } = reporting
  const replayer = new Replayer({ store, bus, subjects, envelope, clock, log })
  const autoReplay = config.deadLetters.autoReplay
    ? new AutoReplay({ store, replayer, by: `auto: ${workerId}`, clock, log })
    : undefined
  reporting.onWritten((record) => autoReplay?.noticed(record))
  const heartbeats = new Heartbeats({
    ...{ bus, subject: subjects.heartbeat, envelope, workerId, sandbox, clock, metrics },
    intervalMs: config.worker.heartbeatIntervalMs,
    jobTypes: registry.types,
    running: () => slots.running,
    limit: maxConcurrency,
    waiting: () => room.waiting,
  })
  metrics.observe({
    activeJobs: () => slots.running,
    queueDepth: (pool) => slots.depth(pool),
    slots: (pool) => pools[pool],
  })

  return {
    routes: [
      jobRoutes({ bus, subjects, registry, lookup, cancellations, submissions }),
      deadLetterRoutes({ store, replayer, workerId, clock }),
    ],
    get activeJobs() {
      return slots.running
    },
    get load() {
      return slots.running / maxConcurrency
    },
    checks: () => ({ dead_letters: reporting.blocked ?? 'ok' }),
    start() {
      source = bus.take((delivery) => intake.receive(delivery))
      if (reporting.blocked !== undefined) source.pause()
      heartbeats.start()
      autoReplay?.start()
    },
    async drain() {
      const { closing } = reporting
      const parts = { intake, held, heartbeats, bus, closing, graceMs: shutdownGraceMs, clock, log }
      if (source !== undefined) await drain({ source, ...parts })
      await autoReplay?.[Symbol.asyncDispose]()
      await cancelSubscription.stop()
      await submissions[Symbol.asyncDispose]()
      for (const part of [heartbeats, slots, leases]) part[Symbol.dispose]()
    },
  }
}
