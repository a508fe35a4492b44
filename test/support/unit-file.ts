import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/** The unit of the service. */
export const unitPath = resolve(import.meta.dir, '../../deploy/systemd/beamline.service')

/** The values of a directive of the unit, one a line. */
export async function directives(name: string): Promise<readonly string[]> {
  const lines = (await readFile(unitPath, 'utf8')).split('\n')
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1))
}

/** The system calls that the unit leaves to the service, as this systemd-analyze knows its sets. */
export async function allowedSystemCalls(analyze: string): Promise<ReadonlySet<string>> {
  let allowed: ReadonlySet<string> = new Set()
  for (const filter of await directives('SystemCallFilter')) {
    const sets = filter.replace(/^~/, '').split(' ')
    const named = new Set((await Promise.all(sets.map((set) => callsIn(set, analyze)))).flat())
    allowed = filter.startsWith('~') ? allowed.difference(named) : allowed.union(named)
  }
  return allowed
}

async function callsIn(set: string, analyze: string): Promise<readonly string[]> {
  if (!set.startsWith('@')) return [set]
  const shown = Bun.spawn([analyze, 'syscall-filter', '--no-pager', set], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [text, code] = await Promise.all([shown.stdout.text(), shown.exited])
  if (code !== 0) throw new Error(`${analyze} does not know ${set}`)
  const entries = text.split('\n').filter((line) => /^ +[^# ]/.test(line))
  return (await Promise.all(entries.map((entry) => callsIn(entry.trim(), analyze)))).flat()
}
