import { resolve } from 'node:path'

/** The top of the checkout. */
export const root = resolve(import.meta.dir, '..')

/** What an executable is made from. */
export interface Source {
  /** The commit the checkout stands at, with `-dirty` when what it is built from was changed since; `unknown` where git cannot say. */
  readonly commit: string
  /** When that commit was made, in ISO 8601; undefined where git cannot say, and where the sources are not those of it. */
  readonly committed: string | undefined
}

/** What executables are built from, by path. */
export const inputs = ['src', 'build', 'build.ts', 'package.json', 'bun.lock', 'bunfig.toml', 'tsconfig.json']

/** Asks git; `BEAMLINE_COMMIT` names the commit where there is no git to ask. Rejects when it is no name of one. */
export async function readSource(folder = root, named = process.env['BEAMLINE_COMMIT']): Promise<Source> {
  if (named) {
    // It ends up in log lines, labels of metrics and file names, and in arguments of git.
    if (!/^\w[\w.+-]{0,63}$/.test(named)) throw new Error(`BEAMLINE_COMMIT is no commit: ${JSON.stringify(named)}`)
    return { commit: named, committed: await git(folder, 'show', '--no-patch', '--format=%cI', named) }
  }
  // Sources without a repository of their own may lie in that of something else, whose commits are not theirs.
  const isOwn = (await git(folder, 'rev-parse', '--show-prefix')) === ''
  const commit = isOwn ? await git(folder, 'rev-parse', '--short', 'HEAD') : undefined
  if (commit === undefined) return { commit: 'unknown', committed: undefined }
  const changes = await git(folder, '--no-optional-locks', 'status', '--porcelain', '--', ...inputs)
  if (changes !== '') return { commit: `${commit}-dirty`, committed: undefined }
  return { commit, committed: await git(folder, 'show', '--no-patch', '--format=%cI', 'HEAD') }
}

async function git(cwd: string, ...args: readonly string[]): Promise<string | undefined> {
  if (Bun.which('git') === null) return undefined
  const child = Bun.spawn(['git', ...args], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited])
  return code === 0 ? text.trim() : undefined
}
