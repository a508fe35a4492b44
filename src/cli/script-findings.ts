/** What `check` says of scripts. Pure. */
import type { Config } from '../config/schema.ts'
import { type Finding, warn } from './finding.ts'

/** Nothing, unless scripts may take more memory than the worker. */
export function scriptFindings({ scripts, worker }: Pick<Config, 'scripts' | 'worker'>): readonly Finding[] {
  const { threads, memoryBytes } = scripts
  const together = threads * memoryBytes
  if (worker.maxRssBytes === undefined || together <= worker.maxRssBytes) return []
  const words = `${threads} threads with ${megabytes(memoryBytes)} each are more than WORKER_MAX_RSS, ${megabytes(worker.maxRssBytes)}`
  return [
    warn(
      'scripts',
      `${words}: scripts can make the worker end; lower SCRIPT_THREADS or SCRIPT_MEMORY_BYTES, or raise it`,
    ),
  ]
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
