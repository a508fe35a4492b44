import { type Environment, effectiveSettings, loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { ConfigError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { oneLine } from '../lib/one-line.ts'
import { type Inspection, inspectNats } from '../nats/inspection.ts'
import { blobFindings } from './blob-findings.ts'
import { type Command, UsageError } from './command.ts'
import { deadLetterStreamFindings } from './dead-letter-findings.ts'
import { exitCodes } from './exit-code.ts'
import { deadLetterFindings } from './file-findings.ts'
import { type Finding, fail, ok, warn } from './finding.ts'
import { misspeltSettings } from './misspelt.ts'
import { natsFindings } from './nats-findings.ts'
import { scriptFindings } from './script-findings.ts'
import { secretFindings } from './secret-findings.ts'
import { givenSettings } from './settings.ts'
import { sqlFindings } from './sql-findings.ts'
import { stateFindings } from './state-findings.ts'

export const check: Command = {
  name: 'check',
  operands: '',
  summary: 'Looks whether a worker with these settings would work, and says what to do where not.',
  details: `One line each, beginning with ok, warn or fail: settings, NATS and the sign-in, JetStream with its stream
and consumer, permissions, where dead letters, approvals and blobs go, secrets, and databases. Nothing is
changed and nobody is disturbed; a server logs the questions after permissions as violations.

Ends with 1 on a fail, 2 when settings are wrong, 3 when NATS cannot be reached at all.`,
  flags: [{ name: 'json', summary: 'A JSON object {"ok","checks":[{"status","name","explanation"}]}.' }],
  examples: ['beamline check', 'NATS_URL=nats://queue:4222 NATS_CREDS=/etc/beamline/nats.creds beamline check --json'],
  async run({ operands, has, env, output, clock }) {
    if (operands.length > 0) throw new UsageError('check takes no arguments')
    const { findings, code } = await look(env, clock)
    const good = findings.every(({ status }) => status !== 'fail')
    await output.print(
      has('json') ? JSON.stringify({ ok: good, checks: findings }, undefined, 2) : findings.map(line).join('\n'),
    )
    return code ?? (good ? exitCodes.done : exitCodes.failed)
  },
}

function line({ status, name, explanation }: Finding): string {
  return oneLine(`${status.padEnd(4)}  ${name.padEnd(12)}  ${explanation}`)
}

interface Looked {
  readonly findings: readonly Finding[]
  readonly inspection?: Inspection
  /** When there is a reason to end with a code of its own. */
  readonly code?: number
}

async function look(env: Environment, clock: Clock): Promise<Looked> {
  const config = readConfig(env)
  if (config instanceof ConfigError) return { findings: settingsFailures(config), code: exitCodes.usage }
  const given = Object.keys(givenSettings(effectiveSettings(env)))
  const settings = ok('settings', given.length === 0 ? 'all defaults' : `valid; set: ${given.join(', ')}`)
  const misspelt = misspeltSettings(env).map((problem) => warn('settings', problem))
  const sandbox = config.worker.sandboxMode
    ? [warn('sandbox', 'WORKER_SANDBOX_MODE is on: jobs with an effect are not run but answered with samples')]
    : []
  const [nats, deadLetters, blobs, secrets, sql] = await Promise.all([
    lookAtNats(config, clock),
    deadLetterFindings(config.deadLetters.path),
    blobFindings(config.blobs),
    secretFindings(config.secrets),
    sqlFindings(config.sql, clock),
  ])
  const state = await stateFindings(config, nats.inspection ?? {})
  return {
    ...nats,
    findings: [
      settings,
      ...misspelt,
      ...sandbox,
      ...scriptFindings(config),
      ...nats.findings,
      ...deadLetterStreamFindings(nats.inspection ?? {}),
      ...deadLetters,
      ...state,
      ...blobs,
      ...secrets,
      ...sql,
    ],
  }
}

async function lookAtNats(config: Config, clock: Clock): Promise<Looked> {
  try {
    const inspection = await inspectNats(config, clock)
    const findings = natsFindings(config, inspection)
    const looked = { findings, inspection }
    return inspection.contact.kind === 'unreachable' ? { ...looked, code: exitCodes.unreachable } : looked
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { findings: settingsFailures(error), code: exitCodes.usage }
  }
}

function readConfig(env: Environment): Config | ConfigError {
  try {
    return loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

function settingsFailures({ problems }: ConfigError): readonly Finding[] {
  return problems.map((problem) => fail('settings', problem))
}
