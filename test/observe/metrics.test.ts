import { describe, expect, test } from 'bun:test'
import { Metrics } from '../../src/observe/metrics.ts'
import { FakeClock } from '../support/fake-clock.ts'

const build = { version: '1.2.3', bun: '1.4.5', commit: 'abc' }

/** The samples of a scrape by name and labels. */
async function samples(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const { body } = await metrics.text()
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

describe('Metrics', () => {
  test('counts under the names that dashboards know', async () => {
    using metrics = new Metrics(build, new FakeClock())
    metrics.assignment('accepted')
    metrics.assignment('accepted')
    metrics.jobWaited(0.004)
    metrics.jobEnded('echo', 'success', 0.02)
    metrics.jobFailed('http', 'TIMEOUT')
    metrics.jobRetried('http', 'HTTP_ERROR')
    metrics.jobStuck('unknown')
    metrics.deadLetterWritten('JOB_FAILED')
    metrics.notificationSuppressed()
    metrics.heartbeatSent()
    metrics.resultPublished()
    metrics.resultPublishRetried()
    metrics.redelivered()
    metrics.natsConnected(true)
    metrics.natsReconnected()
    const found = await samples(metrics)
    const expected = {
      'worker_assignments_total{outcome="accepted"}': 2,
      worker_job_wait_seconds_count: 1,
      'worker_jobs_total{type="echo",status="success"}': 1,
      'worker_job_duration_seconds_sum{type="echo",status="success"}': 0.02,
      'worker_job_errors_total{type="http",error_code="TIMEOUT"}': 1,
      'worker_job_retries_total{type="http",error_code="HTTP_ERROR"}': 1,
      'worker_stuck_jobs_total{type="unknown"}': 1,
      'worker_dlq_writes_total{reason="JOB_FAILED"}': 1,
      worker_dlq_notifications_suppressed_total: 1,
      worker_heartbeats_sent_total: 1,
      worker_results_published_total: 1,
      worker_result_publish_retries_total: 1,
      worker_redeliveries_total: 1,
      worker_nats_connected: 1,
      worker_nats_reconnects_total: 1,
      'worker_build_info{version="1.2.3",bun="1.4.5",commit="abc"}': 1,
    }
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, found.get(name)]))).toEqual(expected)
  })

  test('the duration histogram has its documented buckets', async () => {
    using metrics = new Metrics(build, new FakeClock())
    metrics.jobEnded('echo', 'success', 0.05)
    const bounds = [...(await samples(metrics))].flatMap(([name, value]) => {
      const bound = /^worker_job_duration_seconds_bucket\{le="([^"]+)"/.exec(name)?.[1]
      return bound === undefined ? [] : [[bound, value]]
    })
    const below = [
      ['0.001', 0],
      ['0.005', 0],
      ['0.01', 0],
    ]
    const above = ['0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '30', '60', '+Inf'].map((bound) => [bound, 1])
    expect(bounds).toEqual([...below, ...above])
  })

  test('reads gauges at each scrape, and leaves out what nobody knows', async () => {
    using metrics = new Metrics(build, new FakeClock())
    expect((await samples(metrics)).has('worker_active_jobs')).toBe(false)
    let active = 3
    metrics.observe({ activeJobs: () => active, slots: (pool) => (pool === 'cpu' ? 2 : 8), consumer: () => undefined })
    metrics.observe({ queueDepth: () => 5, deadLetters: () => ({ bytes: 10, entries: 1 }) })
    expect((await samples(metrics)).get('worker_active_jobs')).toBe(3)
    active = 4
    const found = await samples(metrics)
    expect(found.get('worker_active_jobs')).toBe(4)
    expect(found.get('worker_slots{pool="cpu"}')).toBe(2)
    expect(found.get('worker_queue_depth{pool="io"}')).toBe(5)
    expect(found.get('worker_dlq_bytes')).toBe(10)
    expect(found.get('worker_nats_connected')).toBe(0)
    expect(found.has('worker_consumer_pending')).toBe(false)
    metrics.observe({ consumer: () => ({ pending: 7, ackPending: 2 }) })
    expect((await samples(metrics)).get('worker_consumer_ack_pending')).toBe(2)
  })

  test('tells what the process uses', async () => {
    using metrics = new Metrics(build)
    const found = await samples(metrics)
    expect(found.get('process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    const age = Date.now() / 1000 - (found.get('process_start_time_seconds') ?? 0)
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(3600)
  })

  test('measures how late timers run, until it is disposed', async () => {
    const clock = new FakeClock()
    const metrics = new Metrics(build, clock)
    await clock.advance(1000)
    expect((await samples(metrics)).get('worker_event_loop_lag_seconds_count')).toBe(2)
    metrics[Symbol.dispose]()
    expect(clock.pending).toBe(0)
  })

  test('two instances have nothing in common', async () => {
    using one = new Metrics(build, new FakeClock())
    using other = new Metrics(build, new FakeClock())
    one.heartbeatSent()
    expect((await samples(other)).get('worker_heartbeats_sent_total')).toBe(0)
  })

  test('speaks OpenMetrics when asked', async () => {
    using metrics = new Metrics(build, new FakeClock())
    metrics.jobEnded('echo', 'success', 0.05)
    const plain = await metrics.text('text/plain')
    expect(plain.contentType).toStartWith('text/plain; version=0.0.4')
    const { contentType, body } = await metrics.text('application/openmetrics-text; version=1.0.0')
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(body).toContain('# TYPE worker_jobs counter\nworker_jobs_total{type="echo",status="success"} 1\n')
    expect(body).toContain('# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total ')
    expect(body).not.toContain('\n\n')
    expect(body).toEndWith('\n# EOF\n')
    for (const accept of ['application/openmetrics-text;q=0', 'application/openmetrics-text; q=0.000, */*', 'x/y']) {
      expect((await metrics.text(accept)).contentType).toStartWith('text/plain')
    }
    for (const accept of [
      'text/plain;q=0, application/openmetrics-text;version=1.0.0;q=0.75',
      'Application/OpenMetrics-Text',
    ]) {
      expect((await metrics.text(accept)).contentType).toStartWith('application/openmetrics-text')
    }
    const text = (await metrics.text()).body
    expect(text).toContain('# TYPE worker_jobs_total counter\n')
  })
})
