/** A worker on a bus inside this process: everything it says can be waited for, and every result is checked. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { approvalsRole } from '../../src/approvals/role.ts'
import type { Bus, Delivery, Intake, MessageHeaders } from '../../src/bus/bus.ts'
import { MemoryHub } from '../../src/bus/memory-bus.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { rejectedPath } from '../../src/dlq/file-names.ts'
import { openReporting } from '../../src/exchange/reporting.ts'
import type { Handler } from '../../src/handler.ts'
import { handlersOf } from '../../src/handlers/index.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import { encodeCancel } from '../../src/protocol/cancel.ts'
import type { RunningRole } from '../../src/role.ts'
import { openSecrets, type Secrets } from '../../src/services/secrets/secrets.ts'
import { openServices } from '../../src/services/services.ts'
import { MemoryStateStore } from '../../src/store/memory-state-store.ts'
import type { StateStore } from '../../src/store/state-store.ts'
import { workerRole } from '../../src/worker/role.ts'
import { FakeClock } from './fake-clock.ts'
import { Feed } from './feed.ts'
import { resultOracle } from './result-oracle.ts'

/** A message as a test looks at it. */
export type Wire = Readonly<Record<string, unknown>>

/** A message as it was published: what is inside, how it was wrapped, and its bytes. */
interface Published {
  readonly wire: Wire
  readonly enveloped: boolean
  readonly text: string
  readonly headers: MessageHeaders
}

interface RigOptions {
  readonly handlers?: readonly Handler[]
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
  /** To put another worker on the same bus. */
  readonly hub?: MemoryHub
  /** Stands before the bus that the worker is given. */
  readonly wrap?: (bus: Bus) => Bus
  /** Where approvals are kept; in memory, unless given. */
  readonly store?: StateStore
  /** False: nothing that is due is looked after. */
  readonly sweeps?: boolean
  /** What the intake says its window is. */
  readonly window?: number
  /** Told of each message in the order in which they are published, with its subject's name. */
  readonly on?: (what: 'ack' | 'result' | 'dead letter' | 'heartbeat') => void
}

/** A worker that runs, and what it has said so far. */
export interface WorkerRig extends AsyncDisposable {
  readonly config: Config
  readonly hub: MemoryHub
  /** The worker's own connection. */
  readonly bus: Bus
  readonly role: RunningRole
  readonly approvals: RunningRole
  readonly metrics: Metrics
  readonly secrets: Secrets
  readonly acks: Feed<Published>
  readonly results: Feed<Published>
  readonly notifications: Feed<Published>
  readonly heartbeats: Feed<Published>
  readonly log: Feed<Wire>
  /** `pause` and `resume` as the worker called them. */
  readonly intake: readonly string[]
  /** Publishes an assignment: fields are laid over a job of type `echo` of tenant `acme`. */
  assign(fields?: Wire, headers?: MessageHeaders): void
  /** Publishes bytes on the assign subject. */
  send(body: string | Uint8Array, headers?: MessageHeaders): void
  /** Hands a delivery of the test's own to the worker. */
  deliver(delivery: Delivery): void
  cancel(assignmentId: string, tenantId?: string): void
  result(assignmentId: string): Promise<Wire>
  ack(assignmentId: string): Promise<Wire>
  /** What has been said so far about an id. */
  acksOf(assignmentId: string): readonly Wire[]
  resultsOf(assignmentId: string): readonly Wire[]
  /** Every line of both dead-letter files. */
  deadLetters(): Promise<readonly Wire[]>
  /** The value of a series, such as `worker_jobs_total{type="echo",status="success"}`; 0 when it is not there. */
  metric(series: string): Promise<number>
  /** Drains, moving a clock of the test's on until that is done. */
  drain(): Promise<void>
}

const assignSubject = 'caf.exec.assign.v1'

/** A new hub, for several workers. */
export function openHub(): MemoryHub {
  return new MemoryHub({ assignSubject, maxPayload: 1_048_576 })
}

/** An assignment of a job of type `echo` of tenant `acme`, with these fields laid over it. */
export function assignment(fields: Wire = {}): Wire {
  const own = { version: '1', assignment_id: 'a-1', tenant_id: 'acme', job: { type: 'echo', payload: { n: 1 } } }
  return { ...own, ...fields }
}

/** A message as bytes. */
export function bytesOf(message: Wire | string): Uint8Array {
  return new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify(message))
}

/** Starts a worker. Disposing of it drains it, and fails when a result broke a rule of the wire. */
export async function startRig(options: RigOptions = {}): Promise<WorkerRig> {
  const { clock = systemClock, hub = openHub(), wrap = (bus: Bus) => bus } = options
  const folder = await mkdtemp(join(tmpdir(), 'beamline-rig-'))
  const paths = { DLQ_PATH: join(folder, 'dlq.jsonl'), FS_BASE_DIR: join(folder, 'blobs') }
  const env = { ...paths, WORKER_ID: 'worker-of-test', LOG_LEVEL: 'debug', ...options.env }
  const config = loadConfig(env)
  const heard = listen(hub, config, options)
  const log = new Feed<Wire>('log')
  const secrets = await openSecrets(config.secrets, clock)
  const logger = openLogger({
    level: config.log.level,
    format: 'json',
    workerId: config.worker.id,
    component: 'process',
    // Each line is one JSON object.
    to: (line) => log.push(JSON.parse(line) as Wire),
    clock,
    mask: secrets.mask,
  })
  const metrics = new Metrics({ version: '0', bun: '0', commit: '0' }, clock)
  const intake: string[] = []
  const inner = wrap(hub.open())
  let deliver: (delivery: Delivery) => void = () => undefined
  const bus: Bus = {
    get maxPayload() {
      return inner.maxPayload
    },
    get connected() {
      return inner.connected
    },
    get mode() {
      return inner.mode
    },
    health: () => inner.health(),
    publish: (message, signal) => inner.publish(message, signal),
    emit: (message) => inner.emit(message),
    subscribe: (subject, hear) => inner.subscribe(subject, hear),
    request: (message, waitMs) => inner.request(message, waitMs),
    flush: (signal) => inner.flush(signal),
    take(given) {
      deliver = given
      return watched(inner.take(given), options.window, intake)
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  }
  const services = openServices({ config, secrets, clock, log: logger, metrics })
  const store = options.store ?? new MemoryStateStore()
  const reporting = await openReporting({ config, bus, masks: secrets, clock, log: logger, metrics })
  const platform = { config, bus, clock, log: logger, metrics, services, store, reporting }
  const approvals = await approvalsRole.open(platform)
  const { parking } = approvals
  const role = await workerRole(() => options.handlers ?? handlersOf(services)).open({ ...platform, parking })
  if (options.sweeps !== false) approvals.start()
  role.start()
  const client = hub.open()
  let drained: Promise<void> | undefined

  const rig: WorkerRig = {
    config,
    hub,
    bus,
    role,
    approvals,
    metrics,
    secrets,
    log,
    intake,
    ...heard,
    assign: (fields, headers) => rig.send(JSON.stringify(assignment(fields)), headers),
    send(body, headers = {}) {
      const bytes = typeof body === 'string' ? bytesOf(body) : body
      client.emit({ subject: config.subjects.assign, body: bytes, headers })
    },
    deliver: (delivery) => deliver(delivery),
    cancel(assignmentId, tenantId = 'acme') {
      client.emit({ subject: config.subjects.cancel, body: encodeCancel({ assignmentId, tenantId }) })
    },
    result: async (id) => (await heard.results.first(isAbout(id))).wire,
    ack: async (id) => (await heard.acks.first(isAbout(id))).wire,
    acksOf: (id) => heard.acks.all.filter(isAbout(id)).map(({ wire }) => wire),
    resultsOf: (id) => heard.results.all.filter(isAbout(id)).map(({ wire }) => wire),
    async deadLetters() {
      const { path } = config.deadLetters
      const texts = await Promise.all([path, rejectedPath(path)].map((file) => readFile(file, 'utf8').catch(() => '')))
      // Each line is a record.
      return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line) as Wire)
    },
    async metric(series) {
      const { body } = await metrics.text()
      const line = body.split('\n').find((each) => each.startsWith(`${series} `))
      return Number(line?.slice(series.length + 1) ?? 0)
    },
    drain() {
      const drain = (): Promise<void> => Promise.all([role.drain(), approvals.drain()]).then(() => undefined)
      drained ??= clock instanceof FakeClock ? hurried(drain(), clock) : drain()
      return drained
    },
    async [Symbol.asyncDispose]() {
      await rig.drain()
      await reporting[Symbol.asyncDispose]()
      metrics[Symbol.dispose]()
      logger[Symbol.dispose]()
      await inner[Symbol.asyncDispose]()
      await services[Symbol.asyncDispose]()
      await secrets[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
      const broken = heard.broken()
      if (broken.length > 0) throw new Error(`Results break rules of the wire: ${broken.join('; ')}`)
    },
  }
  return rig
}

function listen(hub: MemoryHub, { subjects }: Config, { on }: RigOptions) {
  const broken: string[] = []
  const ear = hub.open()
  const hear = (subject: string, name: Parameters<NonNullable<typeof on>>[0]): Feed<Published> => {
    const feed = new Feed<Published>(name)
    ear.subscribe(subject, ({ body, headers }) => {
      const message = published(body, headers)
      if (name === 'result') {
        const rules = resultOracle({ body, headers, maxPayload: hub.maxPayload })
        broken.push(...rules.map((rule) => `${rule} (${message.text.slice(0, 300)})`))
      }
      on?.(name)
      feed.push(message)
    })
    return feed
  }
  return {
    acks: hear(subjects.ack, 'ack'),
    results: hear(subjects.result, 'result'),
    notifications: hear(subjects.deadLetter, 'dead letter'),
    heartbeats: hear(subjects.heartbeat, 'heartbeat'),
    broken: () => broken,
  }
}

function published(body: Uint8Array, headers: MessageHeaders): Published {
  const text = new TextDecoder().decode(body)
  // What a worker publishes is an object, and an envelope's `data` too.
  const message = JSON.parse(text) as Wire
  const enveloped = message['kind'] !== undefined
  return { wire: enveloped ? (message['data'] as Wire) : message, enveloped, text, headers }
}

function isAbout(assignmentId: string): (message: Published) => boolean {
  return ({ wire }) => wire['assignment_id'] === assignmentId
}

function watched(intake: Intake, window: number | undefined, calls: string[]): Intake {
  return {
    window: window ?? intake.window,
    pause() {
      calls.push('pause')
      intake.pause()
    },
    resume() {
      calls.push('resume')
      intake.resume()
    },
    stop: () => intake.stop(),
  }
}

/** Waits for work that waits for a clock which stands still; slowly enough for files to be written meanwhile. */
async function hurried(work: Promise<void>, clock: FakeClock): Promise<void> {
  let ended = false
  const end = work.finally(() => {
    ended = true
  })
  while (!ended) {
    await clock.advance(100)
    await systemClock.sleep(1)
  }
  await end
}
