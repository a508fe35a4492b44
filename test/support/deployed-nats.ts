import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { NatsVersion } from './nats-binary.ts'
import { type NatsServer, startNats } from './nats-server.ts'

const folder = resolve(import.meta.dir, '../../deploy/nats')

/** The users of deploy/nats; each has its own name for a password. */
type DeployedUser = 'worker' | 'caller' | 'operator'

/** A server with the users and permissions of deploy/nats. */
export interface DeployedNats extends AsyncDisposable {
  readonly server: NatsServer
  /** Where that user signs in. */
  as(user: DeployedUser): string
}

/** Starts one; `workers` names the file that says what a worker may. */
export async function startDeployedNats(
  version: NatsVersion,
  workers: 'worker.conf' | 'core-worker.conf' = 'worker.conf',
): Promise<DeployedNats> {
  const server = await startNats({ version, config: await users(workers) })
  return {
    server,
    as: (user) => server.url.replace('//', `//${user}:${user}@`),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** The text of users.conf, with what it includes, and passwords in it. */
async function users(workers: string): Promise<string> {
  const lines = (await readFile(join(folder, 'users.conf'), 'utf8')).split('\n')
  const expanded = lines.map(async (line) => {
    const included = /^include (\S+)$/.exec(line)?.[1]
    if (included === undefined) return line
    return readFile(join(folder, included === 'worker.conf' ? workers : included), 'utf8')
  })
  const text = (await Promise.all(expanded)).join('\n')
  return text.replace(/\$([A-Z]+)_PASSWORD/g, (_, user: string) => user.toLowerCase())
}
