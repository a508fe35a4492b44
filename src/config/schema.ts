/** Every setting, once: loading, `--help`, `beamline config` and the reference all read this list. */
import { approvalsSettings } from './approvals-settings.ts'
import { blobsSettings } from './blobs-settings.ts'
import { deadLettersSettings } from './dead-letter-settings.ts'
import type { Family } from './family.ts'
import { jetstreamSettings, natsSettings, subjectsSettings, wireSettings } from './nats-settings.ts'
import { egressSettings, outgoingSettings, scriptsSettings, secretsSettings } from './outgoing-settings.ts'
import { httpSettings, logSettings } from './process-settings.ts'
import type { Setting } from './setting.ts'
import { sqlSettings } from './sql-settings.ts'
import { stateSettings } from './state-settings.ts'
import { workerSettings } from './worker-settings.ts'

/** All settings, by section and by the name they have in `Config`. */
export const settings = {
  nats: natsSettings,
  subjects: subjectsSettings,
  wire: wireSettings,
  jetstream: jetstreamSettings,
  worker: workerSettings,
  egress: egressSettings,
  outgoing: outgoingSettings,
  secrets: secretsSettings,
  scripts: scriptsSettings,
  sql: sqlSettings,
  blobs: blobsSettings,
  state: stateSettings,
  approvals: approvalsSettings,
  deadLetters: deadLettersSettings,
  http: httpSettings,
  log: logSettings,
}

/** The headings of the sections in listings, in order. */
export const sectionTitles: Readonly<Record<keyof typeof settings, string>> = {
  nats: 'NATS',
  subjects: 'Subjects',
  wire: 'Wire format',
  jetstream: 'JetStream',
  worker: 'Worker',
  egress: 'Where jobs may connect',
  outgoing: 'HTTP requests of jobs',
  secrets: 'Secrets',
  scripts: 'Scripts',
  sql: 'SQL',
  blobs: 'Blobs',
  state: 'State',
  approvals: 'Approvals',
  deadLetters: 'Dead letters',
  http: 'HTTP',
  log: 'Logs',
}

type Value<S> = S extends Family<infer M> ? ReadonlyMap<string, Section<M>> : S extends Setting<infer T> ? T : never
type Section<S> = {
  readonly [K in keyof S as S[K] extends Setting<unknown, true> ? never : K]: Value<S[K]>
} & {
  readonly [K in keyof S as S[K] extends Setting<unknown, true> ? K : never]?: Value<S[K]>
}

/** The settings of one section as they were written, before anything is derived. */
export type Sections = { readonly [K in keyof typeof settings]: Section<(typeof settings)[K]> }

/** Everything the process was told, checked: each value by section and name, absent where it is optional and unset. */
export type Config = Omit<Sections, 'http'> & {
  readonly http: Omit<Sections['http'], 'bind'> & { readonly host: string; readonly port: number }
}
