/** Takes an address of this machine, or says which setting is wrong. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { ConfigError } from '../errors.ts'

/** Where to listen; port 0 takes any that is free. */
export interface Address {
  readonly host: string
  readonly port: number
}

interface ServeOptions {
  readonly maxRequestBodySize: number
  readonly idleTimeout: number
  readonly fetch: (request: Request, server: Bun.Server<undefined>) => Promise<Response>
}

/** Starts a server. Rejects with a ConfigError that names HEALTH_BIND when the address cannot be had. */
export async function listen({ host, port }: Address, options: ServeOptions): Promise<Bun.Server<undefined>> {
  try {
    // For a name that is none, Bun reports whatever went wrong before, such as a port in use.
    if (isIP(host) === 0) await lookup(host)
    return Bun.serve({ ...options, hostname: host, port, reusePort: false, development: false })
  } catch (error) {
    throw new ConfigError([`HEALTH_BIND: cannot listen on ${host}:${port}: ${listenProblem(error)}`])
  }
}

/** Takes the address for a moment only. Rejects like `listen` when it cannot be had. */
export async function tryAddress(address: Address): Promise<void> {
  const refuse = () => Promise.resolve(new Response(null, { status: 503 }))
  const server = await listen(address, { maxRequestBodySize: 1, idleTimeout: 1, fetch: refuse })
  await server.stop(true)
}

const noSuchAddress = 'this machine has no such address'

function listenProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is in use',
    EACCES: 'not permitted',
    EADDRNOTAVAIL: noSuchAddress,
    ENOTFOUND: noSuchAddress,
    EAI_AGAIN: 'the name cannot be looked up now',
  }
  return words[code] ?? code
}
