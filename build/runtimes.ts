import { copyFile, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import pins from './runtimes/package.json' with { type: 'json' }
import { root } from './source.ts'
import { type TargetName, targets } from './targets.ts'

const fetchLimitMs = 300_000
const pinned = resolve(import.meta.dir, 'runtimes')
/** Where the Bun of other machines is kept, as it was installed. */
export const runtimesFolder = resolve(root, '.cache/runtimes')

/**
 * Provides the Bun of these targets, from the npm registry as Bun is configured to reach it, checked against the sums in
 * `build/runtimes/bun.lock` and kept in `.cache/`. Resolves to where the one of a target lies. Rejects when they cannot be
 * fetched within 5 minutes, and when another version of Bun builds, whose byte code they would not understand.
 */
export async function provideRuntimes(names: readonly TargetName[]): Promise<(name: TargetName) => string> {
  const wrong = Object.values(pins.dependencies).find((version) => version !== Bun.version)
  if (wrong !== undefined) {
    throw new Error(
      `This is Bun ${Bun.version}, and executables are made with Bun ${wrong}: npx bun@${wrong} run build`,
    )
  }
  await mkdir(runtimesFolder, { recursive: true })
  await Promise.all(
    ['package.json', 'bun.lock'].map((name) => copyFile(join(pinned, name), join(runtimesFolder, name))),
  )
  const command = [process.execPath, 'install', '--frozen-lockfile', '--ignore-scripts', ...machinesOf(names)]
  const install = Bun.spawn(command, {
    cwd: runtimesFolder,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: fetchLimitMs,
    killSignal: 'SIGKILL',
  })
  const [said, code] = await Promise.all([new Response(install.stderr).text(), install.exited])
  if (code !== 0) {
    const why = install.signalCode === null ? said.trim() : `no end after ${fetchLimitMs / 1000} s`
    throw new Error(
      `The Bun of other machines could not be fetched from the npm registry (all it takes is one run that reaches it):\n${why}`,
    )
  }
  return (name) =>
    join(runtimesFolder, 'node_modules', targets[name].runtime, 'bin', name.startsWith('windows') ? 'bun.exe' : 'bun')
}

/** What of the packages is fetched: for one kind of machine only its own, a fraction of the whole. */
function machinesOf(names: readonly TargetName[]): readonly string[] {
  const one = (kinds: readonly string[]): string => (new Set(kinds).size === 1 ? (kinds[0] ?? '*') : '*')
  const wanted = names.map((name) => targets[name])
  return [`--os=${one(wanted.map(({ os }) => os))}`, `--cpu=${one(wanted.map(({ cpu }) => cpu))}`, '--libc=*']
}
