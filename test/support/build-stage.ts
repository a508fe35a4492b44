import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../build/source.ts'
import { dockerfileText, stagesOf } from './dockerfile.ts'

const limitMs = 110_000

/** Where the first stage of our Dockerfile has worked. Disposing of it removes the folder. */
export interface BuildStage extends AsyncDisposable {
  readonly folder: string
}

/**
 * Does what the first stage of our Dockerfile says, in an empty folder instead of a container: copies what it copies, runs what
 * it runs, with Bun on the PATH and these arguments. Rejects with what a command said that failed.
 */
export async function runBuildStage(settings: Readonly<Record<string, string>>): Promise<BuildStage> {
  const outside = await mkdtemp(join(tmpdir(), 'beamline-stage-'))
  const dispose = (): Promise<void> => rm(outside, { recursive: true, force: true })
  try {
    const [programs, folder] = [join(outside, 'bin'), join(outside, 'build')]
    await Promise.all([mkdir(programs), mkdir(folder)])
    await symlink(process.execPath, join(programs, 'bun'))
    const { HOME, PATH } = process.env
    const env = { HOME, ...settings, PATH: `${programs}:${PATH}` }
    for (const { name, words, rest } of stagesOf(dockerfileText)[0] ?? []) {
      if (name === 'COPY') await copy(words, folder)
      if (name === 'RUN') await run(rest, folder, env)
    }
    return { folder, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** A folder's contents go into the target; files go into a folder, which ends in a slash. */
async function copy(words: readonly string[], folder: string): Promise<void> {
  const target = words.at(-1) ?? ''
  for (const path of words.slice(0, -1)) {
    await cp(join(root, path), join(folder, target.endsWith('/') ? join(target, path) : target), { recursive: true })
  }
}

async function run(script: string, cwd: string, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const child = Bun.spawn(['sh', '-c', script], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], timeout: limitMs })
  const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
  if (code !== 0) throw new Error(`${script}: ${said}`)
}
