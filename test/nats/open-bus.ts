import { loadConfig } from '../../src/config/load.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { type NatsBus, openNatsBus } from '../../src/nats/nats-bus.ts'
import type { LogFields, Logger } from '../../src/observe/logger.ts'

/** A bus under test, with what it said. */
export interface TestBus extends NatsBus {
  /** Warnings and errors, with their fields. */
  readonly complaints: readonly { readonly message: string; readonly fields: LogFields | undefined }[]
  readonly fatal: readonly { readonly exitCode: number; readonly message: string }[]
  readonly reconnects: number
}

interface Options {
  readonly window?: number
  readonly clock?: Clock
  /** Settings by the names of their variables. */
  readonly env?: Readonly<Record<string, string>>
}

/** The settings of one test's own fleet: subjects, stream and consumer that no other test uses. */
export function ownNames() {
  const id = crypto.randomUUID().replaceAll('-', '')
  return {
    CAF_ASSIGN_SUBJECT: `assign.${id}`,
    CAF_RESULT_SUBJECT: `result.${id}`,
    CAF_HEARTBEAT_SUBJECT: `heartbeat.${id}`,
    CAF_DLQ_SUBJECT: `dlq.${id}`,
    CAF_CANCEL_SUBJECT: `cancel.${id}`,
    JETSTREAM_STREAM: `EXEC_${id}`,
  } as const
}

/** Opens a bus on the machine's clock. It need not be connected yet. */
export async function openBus(url: string, options: Options = {}): Promise<TestBus> {
  const complaints: { message: string; fields: LogFields | undefined }[] = []
  const fatal: { exitCode: number; message: string }[] = []
  const counts = { reconnects: 0 }
  const complain = (message: string, fields?: LogFields): void => {
    complaints.push({ message, fields })
  }
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: complain,
    error: complain,
    child: () => log,
    debugging: false,
    flush: () => undefined,
  }
  const bus = await openNatsBus({
    config: loadConfig({ NATS_URL: url, ...options.env }),
    window: options.window ?? 16,
    log,
    metrics: {
      natsConnected: () => undefined,
      natsReconnected: () => {
        counts.reconnects += 1
      },
    },
    clock: options.clock ?? systemClock,
    onFatal: (problem) => fatal.push(problem),
  })
  return Object.defineProperties(bus, {
    complaints: { value: complaints },
    fatal: { value: fatal },
    reconnects: { get: () => counts.reconnects },
    // The three properties of TestBus that a bus has not by itself are defined here.
  }) as TestBus
}
