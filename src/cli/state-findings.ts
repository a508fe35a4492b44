/** What `check` says of where approvals wait. Leaves nothing behind. */
import type { Config } from '../config/schema.ts'
import type { Inspection } from '../nats/inspection.ts'
import type { StateBucket } from '../nats/state-look.ts'
import { intendedStore } from '../store/open-state-store.ts'
import { inspectSqliteFile } from '../store/sqlite-file.ts'
import { adviceOn, emptiedFolders, existingFolder, fileProblem, folderProblem, whyTemporary } from './file-findings.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const name = 'state'

/**
 * Whether the store that would be used can be, and whether it lasts where `emptied` are folders that do not. Says
 * nothing when it depends on an answer of NATS that is missing.
 */
export async function stateFindings(
  config: Pick<Config, 'state' | 'jetstream'>,
  { stored, state }: Pick<Inspection, 'stored' | 'state'>,
  emptied: readonly string[] = emptiedFolders,
): Promise<readonly Finding[]> {
  if (state !== undefined) return [bucketFinding(state)]
  const isFile = intendedStore(config) === 'sqlite' || stored?.kind === 'there' || stored?.kind === 'none'
  return isFile ? [await fileFinding(config.state.path, emptied)] : []
}

function bucketFinding(bucket: StateBucket): Finding {
  switch (bucket.kind) {
    case 'there':
      return bucket.fault === undefined
        ? ok(name, 'approvals are kept in the bucket BEAMLINE_STATE')
        : warn(name, `approvals are kept in the bucket BEAMLINE_STATE, but ${bucket.fault}; correct it`)
    case 'missing':
      return ok(name, 'approvals are kept in the bucket BEAMLINE_STATE, which is not there yet; it is made at start')
    case 'no-jetstream':
      return fail(name, 'STATE_STORE=nats needs JetStream; enable it, or set STATE_STORE=sqlite')
    case 'unknown':
      return fail(name, `the bucket BEAMLINE_STATE cannot be asked for (${bucket.reason}); allow this user $JS.API.>`)
  }
}

async function fileFinding(path: string, emptied: readonly string[]): Promise<Finding> {
  const folder = await existingFolder(path)
  const problem = (await fileProblem(path)) ?? (await folderProblem(folder, path)) ?? (await inspectSqliteFile(path))
  if (problem !== undefined) {
    return fail(name, `approvals cannot be kept: ${problem}; ${await adviceOn([path], 'STATE_PATH')}`)
  }
  const temporary = await whyTemporary(folder, emptied)
  return temporary === undefined
    ? ok(name, `approvals are kept in ${path}, for this worker alone`)
    : warn(name, `approvals are kept in ${path}, but ${temporary}; set STATE_PATH to a file that lasts`)
}
