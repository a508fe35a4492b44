/** What this process uses of its machine, under the names that every Prometheus client gives it. */
import { readdirSync } from 'node:fs'
import type { Registry } from 'prom-client'
import type { Clock } from '../lib/clock.ts'
import { countedElsewhere, gauge } from './instruments.ts'

/** Declares `process_*`. What the system does not tell is left out. */
export function declareProcessUsage(registry: Registry, clock: Clock): void {
  const startedAt = clock.now() / 1000 - process.uptime()
  const count = (name: string, help: string, read: () => number): void => countedElsewhere(registry, name, help, read)
  const show = (name: string, help: string, read: () => number | undefined): void =>
    gauge(registry, name, help, [], () => [[read()]])
  count('process_cpu_user_seconds_total', 'CPU time in user mode.', () => process.cpuUsage().user / 1e6)
  count('process_cpu_system_seconds_total', 'CPU time in the kernel.', () => process.cpuUsage().system / 1e6)
  count('process_cpu_seconds_total', 'CPU time.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  show('process_start_time_seconds', 'When the process began, in seconds since 1970.', () => startedAt)
  show('process_resident_memory_bytes', 'Memory in use.', () => process.memoryUsage.rss())
  show('process_heap_bytes', 'Memory in use by JavaScript.', () => process.memoryUsage().heapUsed)
  show('process_open_fds', 'Open files and sockets.', openFiles)
}

function openFiles(): number | undefined {
  try {
    // The folder that is being read is itself open.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}
