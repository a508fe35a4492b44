/** The table of what this binary can be. */
import { handlersOf } from './handlers/index.ts'
import type { Role } from './role.ts'
import { workerRole } from './worker/role.ts'

/** Runs jobs: the role that `dev` and `run` need, and `start` without a name. */
export const worker: Role = workerRole(handlersOf)

const roles: readonly Role[] = [worker]

/** The names that `start` takes. */
export const roleNames: readonly string[] = roles.map(({ name }) => name)

/** The role of that name; undefined when there is none. */
export function findRole(name: string): Role | undefined {
  return roles.find((role) => role.name === name)
}
