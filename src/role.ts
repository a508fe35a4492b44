/** What a role is: a part of the platform that this process runs. `roles.ts` is the table of them. */
import type { Bus } from './bus/bus.ts'
import type { Config } from './config/schema.ts'
import type { Parking } from './exchange/parking.ts'
import type { Reporting } from './exchange/reporting.ts'
import type { RoutePlugin } from './http/server.ts'
import type { Clock } from './lib/clock.ts'
import type { Logger } from './observe/logger.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Services } from './services/services.ts'
import type { StateStore } from './store/state-store.ts'

/** What the process gives to each of its roles. */
export interface Platform {
  readonly config: Config
  readonly bus: Bus
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** What handlers share; they are closed after the roles have drained. */
  readonly services: Services
  /** Results and dead letters; closed after the roles have drained. */
  readonly reporting: Reporting
  /** What outlives the process; closed after the roles have drained. */
  readonly store: StateStore
  /** Where jobs may wait for people: what a role that was opened before this one offers. */
  readonly parking?: Parking | undefined
}

/** A role that is there, and takes work once it has been started. */
export interface RunningRole {
  /** What it offers to the roles that are opened after it. */
  readonly parking?: Parking
  readonly routes: readonly RoutePlugin[]
  /** Jobs that run now. */
  readonly activeJobs: number
  /** Share of the slots that are in use, 0 to 1. */
  readonly load: number
  /** What its readiness hangs on, by name: `ok`, or in a few words what is wrong. */
  checks(): Readonly<Record<string, string>>
  /** Begins to take work. */
  start(): void
  /** Takes no more, ends or gives back what it has, says goodbye. Resolves when nothing is left. Call once. */
  drain(): Promise<void>
}

/** An entry of the table of roles. */
export interface Role {
  readonly name: string
  /** One sentence for `--help`. */
  readonly summary: string
  open(platform: Platform): Promise<RunningRole>
}
