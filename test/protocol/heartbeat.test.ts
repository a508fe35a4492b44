import { expect, test } from 'bun:test'
import { encodeHeartbeat, type Heartbeat } from '../../src/protocol/heartbeat.ts'

const beat: Heartbeat = {
  workerId: 'worker-1',
  timestamp: 1_706_371_200_000,
  status: 'busy',
  load: 0.25,
  resources: { cpu: 0.5, memBytes: 1000, jobsInFlight: 2, queueDepth: 3 },
  metadata: { version: '0.1.0', host: 'h', jobTypes: ['echo'], sandbox: false },
}

function decode(body: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(body))
}

test('says what the platform asks for', () => {
  expect(decode(encodeHeartbeat(beat, 'auto'))).toEqual({
    version: '1',
    worker_id: 'worker-1',
    timestamp: '2024-01-27T16:00:00.000Z',
    status: 'busy',
    load: 0.25,
    resources: { cpu: 0.5, mem_bytes: 1000, jobs_in_flight: 2, queue_depth: 3 },
    metadata: { version: '0.1.0', host: 'h', job_types: ['echo'] },
  })
})

test('keeps the load between 0 and 1, and says when it is a sandbox', () => {
  const metadata = { ...beat.metadata, sandbox: true }
  expect(decode(encodeHeartbeat({ ...beat, load: 1.5, metadata }, 'never'))).toMatchObject({
    load: 1,
    metadata: { sandbox: true },
  })
})

test('only `always` wraps it', () => {
  expect(decode(encodeHeartbeat(beat, 'always'))).toMatchObject({ kind: 'heartbeat', data: { worker_id: 'worker-1' } })
})
