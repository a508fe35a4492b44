/** What settings name is tried before anything is started, so that everything that is wrong is told at once. */
import { type Environment, loadConfig, type ReadConfig, readConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { tryFileDeadLetters } from '../dlq/file-dead-letters.ts'
import { ConfigError } from '../errors.ts'
import { tryAddress } from '../http/listen.ts'
import { readSignIn } from '../nats/sign-in.ts'
import { secretsIn } from '../services/secrets/secret-folder.ts'
import { scratchDeadLetters } from './scratch.ts'

/** Tries what some settings name, as far as they could be read. Rejects with ConfigError. */
export type Trial = (values: ReadConfig['values']) => Promise<void>

/** Loads the settings. Rejects with a ConfigError that has every problem with them and with what they name. */
export async function loadTried(env: Environment, trials: readonly Trial[]): Promise<Config> {
  const { values, problems } = readConfig(env)
  const found = await Promise.all(trials.map((trial) => problemsOf(trial(values))))
  const all = [...problems, ...found.flat()]
  if (all.length > 0) throw new ConfigError(all)
  return loadConfig(env)
}

/** The files and the seed that signing in to NATS needs. */
export const signIn: Trial = async ({ nats }) => {
  await readSignIn({ servers: [], tlsFirst: false, ...nats })
}

/** The files of dead letters; they are created when missing. */
export const deadLetters: Trial = async ({ deadLetters: { path } }) => {
  if (path !== undefined) await tryFileDeadLetters(path)
}

/** The folder of secrets. */
export const secrets: Trial = async ({ secrets: { dir } }) => {
  if (dir !== undefined) await secretsIn(dir)
}

/** The address of HTTP, or its port on another host. */
export function address(host?: string): Trial {
  return async ({ http: { bind } }) => {
    if (bind !== undefined) await tryAddress({ host: host ?? bind.host, port: bind.port })
  }
}

/** The folder of the dead letters of `run` and `dev`. */
export const scratch: Trial = async () => {
  await scratchDeadLetters('trial')
}

async function problemsOf(trial: Promise<void>): Promise<readonly string[]> {
  try {
    await trial
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
