/** What every role reports with: one reporter, and the dead letters behind it. */
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/schema.ts'
import { openDeadLetterStores } from '../dlq/dead-letter-stores.ts'
import { Notifier } from '../dlq/notifier.ts'
import type { Clock } from '../lib/clock.ts'
import type { Masks } from '../lib/secret-mask.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { DeadLetter } from '../protocol/dead-letter.ts'
import type { DeadLetterStore } from '../store/dead-letter-store.ts'
import { DeadLetterBox } from './dead-letter-box.ts'
import { Reporter } from './report.ts'

interface ReportingParts {
  readonly config: Pick<Config, 'deadLetters' | 'subjects' | 'wire' | 'worker'>
  readonly bus: Bus
  readonly masks: Masks
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Results and dead letters of this process. Disposing of it closes the files. */
export interface Reporting extends AsyncDisposable {
  readonly reporter: Reporter
  readonly deadLetters: DeadLetterStore
  /** Why dead letters cannot be written at the moment; undefined when they can. */
  readonly blocked: string | undefined
  /** Says who is told when writing them begins to fail (true) and works again (false). */
  onBlocked(tell: (blocked: boolean) => void): void
  /** Says who is told of each dead letter that has been written. */
  onWritten(tell: (record: DeadLetter) => void): void
  /** Aborted when the process cannot wait any longer: what is not published by then is dead-lettered. */
  readonly closing: AbortController
}

/** Opens it. Rejects with a ConfigError when the files of dead letters cannot be used. */
export async function openReporting({ config, bus, masks, clock, log, metrics }: ReportingParts): Promise<Reporting> {
  const { subjects, wire } = config
  const { id: workerId, sandboxMode: sandbox, resultPublishMaxRetries: maxRetries } = config.worker
  const closing = new AbortController()
  let tell: (blocked: boolean) => void = () => undefined
  let written: (record: DeadLetter) => void = () => undefined
  const deadLetters = await openDeadLetterStores({ config, bus, clock, log, metrics })
  const notifier = new Notifier({
    subject: subjects.deadLetter,
    mode: wire.envelope,
    clock,
    emit: bus.emit.bind(bus),
    suppressed: () => metrics.notificationSuppressed(),
  })
  const box = new DeadLetterBox({
    deadLetters,
    path: deadLetters.place,
    notify(record) {
      notifier.notify(record)
      written(record)
    },
    onBlocked: (blocked) => tell(blocked),
    ...{ clock, log, metrics },
  })
  const reporter = new Reporter({
    ...{ bus, box, workerId, sandbox, masks, maxRetries, clock, log, metrics },
    resultSubject: subjects.result,
    envelope: wire.envelope,
    closing: closing.signal,
  })
  return {
    reporter,
    deadLetters,
    get blocked() {
      return box.blocked
    },
    onBlocked(given) {
      tell = given
    },
    onWritten(given) {
      written = given
    },
    closing,
    [Symbol.asyncDispose]: () => deadLetters[Symbol.asyncDispose](),
  }
}
