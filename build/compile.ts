import { readdir, rename } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { root } from './source.ts'
import { openUnfinished } from './unfinished.ts'

/** An executable to be made. */
export interface Executable {
  /** Where it goes. */
  readonly outfile: string
  readonly commit: string
  /** The machine it is for, and the Bun that goes into it; this machine and the Bun that builds it unless given. */
  readonly machine?: { readonly platform: Bun.Build.CompileTarget; readonly runtime: string }
}

/**
 * Makes one executable, which appears in its place all at once, its source maps beside it. Rejects with what the compiler
 * said. The same sources, commit, Bun and file name make the same bytes.
 */
export async function compile({ outfile, commit, machine }: Executable): Promise<void> {
  const folder = dirname(outfile)
  await using unfinished = await openUnfinished(folder)
  await Bun.build({
    // The second one is the file that script threads are started from.
    entrypoints: [resolve(root, 'src/main.ts'), resolve(root, 'src/services/threads/script-thread.ts')],
    root,
    compile: {
      outfile: join(unfinished.path, basename(outfile)),
      ...(machine === undefined ? {} : { target: machine.platform, executablePath: machine.runtime }),
      // What lies in the folder it is started in is not ours.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
    format: 'esm',
    bytecode: true,
    minify: true,
    sourcemap: 'linked',
    define: { BEAMLINE_COMMIT: JSON.stringify(commit) },
    throw: true,
  })
  for (const name of await readdir(unfinished.path)) await rename(join(unfinished.path, name), join(folder, name))
}
