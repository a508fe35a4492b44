import { effectiveSettings } from '../config/load.ts'
import { openNatsBus } from '../nats/nats-bus.ts'
import type { Role } from '../role.ts'
import { findRoles, roleNames, worker } from '../roles.ts'
import { type Command, UsageError } from './command.ts'
import { misspeltSettings } from './misspelt.ts'
import { openPlatform } from './platform.ts'
import { givenSettings } from './settings.ts'
import { suggestion } from './suggestion.ts'
import { address, deadLetters, loadTried, secrets, signIn } from './trials.ts'

export const start: Command = {
  name: 'start',
  operands: '[ROLE]',
  summary: 'Runs the worker on NATS until SIGTERM or SIGINT; what beamline does without a command.',
  details: `The only role is "worker". While NATS cannot be reached it waits, for ever, and /ready answers 503.
The first SIGTERM or SIGINT drains: jobs that have not started are given back, running ones get
SHUTDOWN_GRACE_MS. A second one ends the process at once.

With JETSTREAM=require it ends with code 3 on a server that says it has no JetStream.`,
  flags: [],
  examples: ['beamline start', 'NATS_URL=nats://queue:4222 WORKER_MAX_CONCURRENCY=32 beamline start worker'],
  async run({ operands, env, ending, clock }) {
    const roles = chosenRoles(operands)
    const config = await loadTried(env, [signIn, deadLetters, secrets, address()])
    await using platform = await openPlatform({
      config,
      roles,
      async openBus({ log, metrics }) {
        const bus = await openNatsBus({
          config,
          window: config.worker.prefetch,
          log: log.child({ component: 'nats' }),
          metrics,
          clock,
          onFatal({ exitCode, message }) {
            log.error(message)
            ending.request(exitCode)
          },
        })
        metrics.observe({ consumer: () => bus.consumerState() })
        return bus
      },
      access: { kind: 'token', token: config.http.apiToken },
      logTo: 'stdout',
      about: { mode: `nats, JETSTREAM=${config.jetstream.mode}`, settings: givenSettings(effectiveSettings(env)) },
      ending,
      clock,
    })
    for (const problem of misspeltSettings(env)) platform.log.warn(problem)
    platform.start()
    await ending.requested
    return ending.code
  },
}

function chosenRoles(operands: readonly string[]): readonly Role[] {
  const [name = worker.name, ...surplus] = operands
  const roles = findRoles(name)
  if (roles !== undefined && surplus.length === 0) return roles
  if (roles !== undefined) throw new UsageError('start takes one role')
  const near = suggestion(name, roleNames)
  const hint = near === undefined ? `there is: ${roleNames.join(', ')}` : `did you mean "${near}"?`
  throw new UsageError(`unknown role "${name}"; ${hint}`)
}
