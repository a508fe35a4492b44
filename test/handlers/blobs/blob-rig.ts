/** Jobs on the file store, through a whole worker. */
import type { Wire, WorkerRig } from '../../support/worker-rig.ts'
import { startRig } from '../../support/worker-rig.ts'

/** A worker, and what jobs on it come to. */
export interface BlobRig extends AsyncDisposable {
  readonly rig: WorkerRig
  /** The result of a job of this type. */
  result(type: string, payload: unknown, more?: Wire): Promise<Wire>
  /** The output of one that succeeds. */
  output(type: string, payload: unknown, more?: Wire): Promise<Wire>
  /** Puts a text. */
  put(path: string, content: string, more?: Wire): Promise<Wire>
  /** The text of a blob; undefined when there is none. */
  text(path: string): Promise<unknown>
}

/** Starts one with these settings, which may reach loopback addresses. */
export async function startBlobRig(env: Readonly<Record<string, string>> = {}): Promise<BlobRig> {
  const rig = await startRig({ env: { EGRESS_ALLOW_CIDRS: '127.0.0.0/8', LOG_LEVEL: 'error', ...env } })
  let jobs = 0
  const own: BlobRig = {
    rig,
    result(type, payload, { job = {}, ...more } = {}) {
      const id = `job-${++jobs}`
      // What a test lays over a job is an object.
      rig.assign({
        assignment_id: id,
        job: { type, ...(payload === undefined ? {} : { payload }), ...(job as Wire) },
        ...more,
      })
      return rig.result(id)
    },
    async output(type, payload, more) {
      const result = await own.result(type, payload, more)
      if (result['status'] !== 'success') throw new Error(`It failed: ${JSON.stringify(result)}`)
      // What succeeds here gives objects.
      return result['output'] as Wire
    },
    put: (path, content, more) => own.output('fs_blob_put', { path, content }, more),
    async text(path) {
      const result = await own.result('fs_blob_get', { path, encoding: 'text' })
      if (result['error_code'] === 'FILE_NOT_FOUND') return undefined
      // As above.
      return (result['output'] as Wire)['content']
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  }
  return own
}
