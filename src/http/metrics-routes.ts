/** The scrape. */
import { Elysia } from 'elysia'
import type { Metrics } from '../observe/metrics.ts'

/** The routes: `/metrics` and its earlier spelling; Prometheus text, or OpenMetrics when asked for. */
export function metricsRoutes(metrics: Metrics) {
  const scrape = async ({ request }: { request: Request }): Promise<Response> => {
    const { contentType, body } = await metrics.text(request.headers.get('accept') ?? undefined)
    return new Response(body, { headers: { 'content-type': contentType } })
  }
  const detail = { summary: 'Metrics for Prometheus.', tags: ['Health'], security: [] }
  return new Elysia({ name: 'metrics' }).get('/metrics', scrape, { detail }).get('/_metrics', scrape, { detail })
}
