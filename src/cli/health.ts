import { request } from 'node:http'
import { loadConfig } from '../config/load.ts'
import type { Clock } from '../lib/clock.ts'
import { type Command, UsageError } from './command.ts'
import { exitCodes } from './exit-code.ts'

/** How long the worker may take to answer, in milliseconds. */
const answerLimitMs = 3_000

export const health: Command = {
  name: 'health',
  operands: '',
  summary: 'Asks the worker on this machine whether it is alive; for container health checks.',
  details: `Asks /health on HEALTH_BIND (on the loopback address where it listens on all), prints the answer, and
ends with 0 when it is good, else with 1. An outage of NATS leaves /health good; --ready tells of it.`,
  flags: [{ name: 'ready', summary: 'Asks /ready instead: whether jobs are taken.' }],
  examples: ['beamline health', 'HEALTH_BIND=0.0.0.0:8080 beamline health --ready'],
  async run({ operands, has, env, output, clock }) {
    if (operands.length > 0) throw new UsageError('health takes no arguments')
    const { host, port } = loadConfig(env).http
    if (port === 0) throw new UsageError('HEALTH_BIND has port 0, which does not say where to ask')
    const path = has('ready') ? '/ready' : '/health'
    const hostname = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
    try {
      const { ok, body } = await ask({ hostname, port, path }, clock)
      await output.print(body)
      return ok ? exitCodes.done : exitCodes.failed
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      output.complain(`beamline: no answer from ${hostname}:${port}${path}: ${reason}`)
      return exitCodes.failed
    }
  },
}

interface Answer {
  readonly ok: boolean
  readonly body: string
}

/** Not `fetch`, which would go through a proxy that the environment names. */
function ask(where: { hostname: string; port: number; path: string }, clock: Clock): Promise<Answer> {
  const limit = new AbortController()
  const late = clock.after(answerLimitMs, () => limit.abort(new Error(`none within ${answerLimitMs} ms`)))
  return new Promise<Answer>((resolve, reject) => {
    limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true })
    const asked = request({ ...where, signal: limit.signal }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ ok: response.statusCode === 200, body: Buffer.concat(chunks).toString() }))
    })
    asked.on('error', reject)
    asked.end()
  }).finally(() => late.cancel())
}
