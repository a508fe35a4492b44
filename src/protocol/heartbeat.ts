/** The sign of life of a worker. */
import { type EnvelopeMode, wrap } from './envelope.ts'
import { encodeText, objectText } from './json.ts'

/** What a worker says of itself. */
export interface Heartbeat {
  readonly workerId: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly status: 'idle' | 'busy' | 'draining' | 'stopped'
  /** Running jobs by the most that may run, 0 to 1. */
  readonly load: number
  readonly resources: {
    /** Share of one core, 0 and up. */
    readonly cpu: number
    readonly memBytes: number
    readonly jobsInFlight: number
    readonly queueDepth: number
  }
  readonly metadata: {
    readonly version: string
    readonly host: string
    readonly jobTypes: readonly string[]
    /** Nothing with an effect is run here. */
    readonly sandbox: boolean
  }
}

/** A heartbeat as it is published. Bare unless everything is to be wrapped. */
export function encodeHeartbeat(beat: Heartbeat, mode: EnvelopeMode): Uint8Array {
  const { resources, metadata } = beat
  const text = objectText({
    version: '1',
    worker_id: beat.workerId,
    timestamp: new Date(beat.timestamp).toISOString(),
    status: beat.status,
    load: Math.min(1, Math.max(0, beat.load)),
    resources: {
      cpu: resources.cpu,
      mem_bytes: resources.memBytes,
      jobs_in_flight: resources.jobsInFlight,
      queue_depth: resources.queueDepth,
    },
    metadata: {
      version: metadata.version,
      host: metadata.host,
      job_types: metadata.jobTypes,
      sandbox: metadata.sandbox ? true : undefined,
    },
  })
  return encodeText(mode === 'always' ? wrap('heartbeat', text) : text)
}
