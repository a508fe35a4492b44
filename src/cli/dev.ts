import { openMemoryBus } from '../bus/memory-bus.ts'
import { effectiveSettings } from '../config/load.ts'
import { buildInfo } from '../lib/build-info.ts'
import { workerRoles } from '../roles.ts'
import { type Command, UsageError } from './command.ts'
import { loopback } from './loopback.ts'
import { openPlatform } from './platform.ts'
import { scratchDeadLetters } from './scratch.ts'
import { givenSettings, withDefaults } from './settings.ts'
import { address, loadTried, scratch, secrets } from './trials.ts'

export const dev: Command = {
  name: 'dev',
  operands: '',
  summary: 'Runs the worker by itself, with HTTP on this machine: no NATS, no set-up.',
  details: `Jobs are sent to it over HTTP on 127.0.0.1, on the port of HEALTH_BIND (9091), without a token; only
programs on this machine get in, and no web page. Jobs may reach servers on this machine, unless
EGRESS_ALLOW_CIDRS says otherwise. Nothing is kept when it ends, but blobs, in FS_BASE_DIR, and dead
letters: in a file in the temporary folder, not in DLQ_PATH. The log is text on a terminal; LOG_FORMAT
overrides.`,
  flags: [],
  examples: ['beamline dev', 'HEALTH_BIND=127.0.0.1:8080 LOG_LEVEL=debug beamline dev'],
  async run({ operands, env, output, ending, clock }) {
    if (operands.length > 0) throw new UsageError('dev takes no arguments')
    const host = '127.0.0.1'
    const defaults = { LOG_FORMAT: output.stdoutIsTerminal ? 'pretty' : 'json', EGRESS_ALLOW_CIDRS: loopback }
    const loaded = await loadTried(withDefaults(env, defaults), [address(host), secrets, scratch])
    const deadLetters = { ...loaded.deadLetters, path: await scratchDeadLetters('dev') }
    const config = { ...loaded, http: { ...loaded.http, host }, deadLetters }
    await using platform = await openPlatform({
      config,
      roles: workerRoles,
      openBus: async () => openMemoryBus({ assignSubject: config.subjects.assign }),
      access: { kind: 'loopback-dev' },
      logTo: 'stdout',
      about: { mode: 'memory', settings: givenSettings(effectiveSettings(env)) },
      ending,
      clock,
    })
    platform.start()
    platform.log.flush()
    await output.print(welcome(platform.url ?? '', deadLetters.path))
    await ending.requested
    return ending.code
  },
}

function welcome(url: string, deadLetters: string): string {
  return `
Beamline ${buildInfo.version} runs on ${url}, without NATS. Send it a job:

  curl -s ${url}/v1/jobs -H 'content-type: application/json' -d '{"type":"echo","payload":{"hello":"world"}}'

Reference:    ${url}/openapi
Dead letters: ${deadLetters}
Ctrl-C ends it.
`
}
