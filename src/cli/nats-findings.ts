/** What `check` says of NATS. Pure. */
import type { Config } from '../config/schema.ts'
import type { Contact, Inspection } from '../nats/inspection.ts'
import type { AssignmentStream, Stored } from '../nats/stored.ts'
import type { Subjects } from '../protocol/subjects.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

type InspectedConfig = Pick<Config, 'nats' | 'jetstream' | 'subjects' | 'wire'>

const variables: Readonly<Record<keyof Subjects, string>> = {
  assign: 'CAF_ASSIGN_SUBJECT',
  ack: 'CAF_ACK_SUBJECT',
  result: 'CAF_RESULT_SUBJECT',
  heartbeat: 'CAF_HEARTBEAT_SUBJECT',
  deadLetter: 'CAF_DLQ_SUBJECT',
  cancel: 'CAF_CANCEL_SUBJECT',
  approval: 'CAF_APPROVAL_SUBJECT',
}

/** Everything that was found, in the order in which a person would look. */
export function natsFindings(config: InspectedConfig, inspection: Inspection): readonly Finding[] {
  const { contact, stored } = inspection
  if (stored === undefined) return [contactFinding(contact)]
  return [contactFinding(contact), ...storedFindings(config, stored), ...permissionFindings(config, inspection)]
}

function contactFinding(contact: Contact): Finding {
  switch (contact.kind) {
    case 'connected':
      return ok('nats', `connected to ${contact.server}, version ${contact.version}`)
    case 'refused':
      return fail(
        'nats',
        `wrong credentials: the server answers "${contact.reason}"; look at NATS_CREDS, NATS_NKEY_SEED, NATS_TOKEN, NATS_USER and NATS_PASSWORD`,
      )
    case 'unsafe':
      return fail(
        'nats',
        `TLS failed: ${contact.reason}; look at NATS_TLS_CA, NATS_TLS_CERT, NATS_TLS_KEY and NATS_URL`,
      )
    case 'unreachable':
      return fail('nats', `cannot be reached: ${contact.reason}; look at NATS_URL, and whether the server runs`)
  }
}

function storedFindings(config: InspectedConfig, stored: Stored): readonly Finding[] {
  const required = config.jetstream.mode === 'require'
  switch (stored.kind) {
    case 'off':
      return [ok('jetstream', 'not used (JETSTREAM=off): a job is lost when its worker crashes')]
    case 'none': {
      const missing = 'no JetStream: neither the server nor the account has it enabled'
      return [
        required
          ? fail('jetstream', `${missing}, but JETSTREAM=require; enable it, or set JETSTREAM=auto`)
          : warn('jetstream', `${missing}, so core NATS is used: a job is lost when its worker crashes`),
      ]
    }
    case 'unknown':
      return [fail('jetstream', `cannot be asked (${stored.reason}); allow this user $JS.API.>, or set JETSTREAM=off`)]
    case 'there': {
      const { assignments, results } = stored
      const streams = assignments === undefined ? [noStream(config, required)] : streamFindings(config, assignments)
      return [ok('jetstream', 'enabled'), ...streams, resultsFinding(results, required)]
    }
  }
}

function noStream({ subjects, jetstream }: InspectedConfig, required: boolean): Finding {
  return required
    ? ok('stream', `none captures ${subjects.assign} yet; ${jetstream.stream} is made at start`)
    : warn(
        'stream',
        `none captures ${subjects.assign}, so core NATS is used: a job is lost when its worker crashes; JETSTREAM=require makes one`,
      )
}

function streamFindings({ subjects, jetstream }: InspectedConfig, stream: AssignmentStream): readonly Finding[] {
  const { name, retention, alsoCaptures, consumer } = stream
  const others = alsoCaptures.map((which) => `${variables[which]} (${subjects[which]})`).join(', ')
  const scope =
    others === ''
      ? []
      : [fail('stream', `${name} also captures ${others}; narrow the subjects of the stream to ${subjects.assign}`)]
  const keeping =
    retention === 'workqueue'
      ? ok('stream', `${name} captures ${subjects.assign}, retention workqueue`)
      : warn('stream', `${name} has retention ${retention}, not workqueue: assignments stay in it after they are done`)
  return [keeping, ...scope, consumerFinding(jetstream.consumer, consumer)]
}

function consumerFinding(name: string, consumer: AssignmentStream['consumer']): Finding {
  if (consumer === undefined) return ok('consumer', `${name} is not there yet; it is made at start`)
  const { problem, deliveryLimit } = consumer
  if (problem !== undefined) {
    const remedy = 'correct it, or stop all workers and delete it: the next start makes it as it must be'
    return fail('consumer', `${name} cannot be used: ${problem}; ${remedy}`)
  }
  return deliveryLimit === undefined
    ? ok('consumer', `${name} is shared by the fleet, ack policy explicit`)
    : fail(
        'consumer',
        `${name} loses a job after ${deliveryLimit} deliveries (max_deliver), and each give-back is one; set max_deliver to -1, for MAX_DELIVERIES limits crashes already`,
      )
}

function resultsFinding(results: string | undefined, required: boolean): Finding {
  if (results !== undefined) return ok('results', `kept in the stream ${results}`)
  return required
    ? ok('results', 'no stream keeps them yet; CAF_RESULTS is made at start')
    : warn('results', 'no stream keeps them: whoever does not listen when a job ends misses its result')
}

function permissionFindings(config: InspectedConfig, { forbidden }: Inspection): readonly Finding[] {
  if (forbidden === undefined) {
    return [warn('permissions', 'not known: this server cannot be asked without sending something')]
  }
  const { subjects } = config
  const named = (subject: string): string => {
    const found = Object.entries(subjects).find(([, value]) => value === subject)?.[0]
    // A key of the object it was found in.
    return found === undefined ? family(subject) : `${subject} (${variables[found as keyof Subjects]})`
  }
  const findings = forbidden.map(({ operation, subject }) => {
    const name = operation === 'publish' ? 'publish' : 'subscribe'
    if (name === 'publish' && subject === subjects.assign) {
      return warn(
        name,
        `not permitted on ${named(subject)}: jobs cannot be handed to other workers when this one stops`,
      )
    }
    return fail(name, `not permitted on ${named(subject)}; allow this user to ${name} there`)
  })
  const sides = ['publish', 'subscribe'].filter((name) => findings.every((finding) => finding.name !== name))
  return [...findings, ...sides.map((name) => ok(name, 'permitted on every subject a worker needs'))]
}

/** Subjects that end differently for each message are named as permissions would name them. */
function family(subject: string): string {
  return subject
    .replace(/^(\$JS\.ACK\.[^.]+\.[^.]+|\$KV\.[^.]+)\..*$/, '$1.>')
    .replace(/(\.MSG\.NEXT\.[^.]+)\.check$/, '$1.>')
    .replace(/\.(entry|rejected|mark)\.[^.]+$/, '.$1.*')
}
