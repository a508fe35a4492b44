/** The table of what this binary can be. */
import { approvalsRole } from './approvals/role.ts'
import { handlersOf } from './handlers/index.ts'
import type { Role } from './role.ts'
import { workerRole } from './worker/role.ts'

/** Runs jobs. */
export const worker: Role = workerRole(handlersOf)

/** The worker, and before it the role that it parks jobs with. */
export const workerRoles: readonly Role[] = [approvalsRole, worker]

/** What each name starts. */
const table: ReadonlyMap<string, readonly Role[]> = new Map([[worker.name, workerRoles]])

/** The names that `start` takes. */
export const roleNames: readonly string[] = [...table.keys()]

/** The role of that name, with those that always come with it; undefined when there is none. */
export function findRoles(name: string): readonly Role[] | undefined {
  return table.get(name)
}
