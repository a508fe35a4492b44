/** Loaded before every test file (bunfig.toml): fails the file that leaves a process, a server or an open port behind. */
import { afterAll } from 'bun:test'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'
import { reclaimOpen } from './open-resources.ts'

const graceMs = 500

afterAll(async () => {
  const untilMs = systemClock.monotonic() + graceMs
  while (strays().length > 0 && systemClock.monotonic() < untilMs) await systemClock.sleep(10)
  const left = [...strays().map(({ name }) => name), ...reclaimOpen()]
  for (const { pid } of strays()) if (pid !== undefined) process.kill(pid, 'SIGKILL')
  if (left.length > 0) throw new Error(`Left behind by this test file: ${left.join(', ')}`)
})

interface Stray {
  readonly name: string
  readonly pid?: number
}

/** Child processes and listening sockets of this process, as Linux tells them; elsewhere nothing is seen. */
function strays(): readonly Stray[] {
  if (process.platform !== 'linux') return []
  return [...children(), ...listeners()]
}

function children(): readonly Stray[] {
  const pids = namesIn('/proc/self/task').flatMap((task) => textOf(`/proc/self/task/${task}/children`).split(' '))
  return pids.filter(Boolean).flatMap((pid) => {
    const [, name = '', state] = /^\d+ \((.*)\) (\S)/s.exec(textOf(`/proc/${pid}/stat`)) ?? []
    return state === undefined || state === 'Z' ? [] : [{ name: `process ${pid} (${name})`, pid: Number(pid) }]
  })
}

function listeners(): readonly Stray[] {
  const ours = new Set(
    namesIn('/proc/self/fd').map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${fd}`))?.[1]),
  )
  const sockets = ['tcp', 'tcp6'].flatMap((table) => textOf(`/proc/self/net/${table}`).split('\n').slice(1))
  return sockets.flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    const port = Number.parseInt(local.split(':')[1] ?? '', 16)
    return state === '0A' && ours.has(inode) ? [{ name: `a listener on port ${port}` }] : []
  })
}

/** What the kernel lists may be gone by the time it is read: then there is nothing to see. */
function orNothing<T>(read: () => T, nothing: T): T {
  try {
    return read()
  } catch {
    return nothing
  }
}

function namesIn(folder: string): readonly string[] {
  return orNothing(() => readdirSync(folder), [])
}

function textOf(path: string): string {
  return orNothing(() => readFileSync(path, 'utf8'), '')
}

function linkOf(path: string): string {
  return orNothing(() => readlinkSync(path), '')
}
