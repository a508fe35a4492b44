/** Makes the instruments of one registry, each in the form that is cheapest to use where jobs run. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Counts one more, under the values of its labels in their order. The values come from closed lists. */
export type Count = (...labels: readonly string[]) => void

/** Notes one duration in seconds, under the values of its labels in their order. */
export type Observe = (seconds: number, ...labels: readonly string[]) => void

/** One value of a reading, with the values of its labels. */
export type Reading = readonly [value: number | undefined, ...labels: readonly string[]]

/** A counter; without labels it starts at 0. */
export function counter(registry: Registry, name: string, help: string, labelNames: readonly string[] = []): Count {
  const metric = new Counter({ name, help, labelNames: [...labelNames], registers: [registry] })
  const bound = cached((labels) => (labels.length === 0 ? metric : metric.labels(...labels)))
  return (...labels) => bound(labels).inc()
}

/** A histogram of seconds. */
export function histogram(
  registry: Registry,
  name: string,
  help: string,
  buckets: readonly number[],
  labelNames: readonly string[] = [],
): Observe {
  const metric = new Histogram({
    name,
    help,
    buckets: [...buckets],
    labelNames: [...labelNames],
    registers: [registry],
  })
  const bound = cached((labels) => (labels.length === 0 ? metric : metric.labels(...labels)))
  return (seconds, ...labels) => bound(labels).observe(seconds)
}

/** A gauge that is read at each scrape; a reading of undefined is left out. */
export function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  read: () => readonly Reading[],
): void {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset()
      if (labelNames.length === 0) this.remove()
      for (const [value, ...labels] of read()) if (value !== undefined) this.labels(...labels).set(value)
    },
  })
}

/** A counter that something else counts, read at each scrape. */
export function countedElsewhere(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}

/** Binding labels costs more than counting: each combination is bound once. */
function cached<T>(bind: (labels: readonly string[]) => T): (labels: readonly string[]) => T {
  const known = new Map<string, T>()
  return (labels) => {
    const key = labels.length === 1 ? (labels[0] ?? '') : labels.join('\n')
    const found = known.get(key) ?? bind(labels)
    known.set(key, found)
    return found
  }
}
