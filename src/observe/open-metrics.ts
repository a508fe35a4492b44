/** The Prometheus text as OpenMetrics. Pure. */

/** The content type of what `asOpenMetrics` returns. */
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Whether the reader's `Accept` header asks for OpenMetrics: it is named, and not with a quality of 0. */
export function wantsOpenMetrics(accept = ''): boolean {
  return accept
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim()))
    .some(
      ([type, ...rest]) => type === 'application/openmetrics-text' && !rest.some((part) => /^q=0(\.0*)?$/.test(part)),
    )
}

/** Prometheus text in the form of OpenMetrics: families of counters named without `_total`, no empty lines, an end mark. */
export function asOpenMetrics(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  const counters = new Set(lines.flatMap((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1] ?? []))
  const renamed = lines.map((line) =>
    line.replace(/^(# (?:HELP|TYPE) )(\S+)_total /, (all, start: string, name: string) =>
      counters.has(name) ? `${start}${name} ` : all,
    ),
  )
  return `${renamed.join('\n')}\n# EOF\n`
}
