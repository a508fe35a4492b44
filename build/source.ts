import { resolve } from 'node:path'

/** The top of the checkout. */
export const root = resolve(import.meta.dir, '..')

/** What an executable is made from. */
export interface Source {
  /** The commit the checkout stands at; `unknown` where git cannot say. */
  readonly commit: string
  /** When that commit was made, in ISO 8601; undefined where git cannot say. */
  readonly committed: string | undefined
}

/** Asks git; `BEAMLINE_COMMIT` names the commit where there is no git to ask. */
export async function readSource(): Promise<Source> {
  const named = process.env['BEAMLINE_COMMIT']
  if (named) return { commit: named, committed: await git('show', '--no-patch', '--format=%cI', named) }
  const commit = await git('rev-parse', '--short', 'HEAD')
  return { commit: commit ?? 'unknown', committed: await git('show', '--no-patch', '--format=%cI', 'HEAD') }
}

async function git(...args: readonly string[]): Promise<string | undefined> {
  if (Bun.which('git') === null) return undefined
  const child = Bun.spawn(['git', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited])
  return code === 0 ? text.trim() : undefined
}
