/** Builds the executable: `bun run build` makes `dist/beamline` for this machine. */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

const root = import.meta.dir

/** An executable to be made. */
interface Target {
  /** Where it goes, from the top of the checkout. */
  readonly outfile: string
  /** The platform, in Bun's words; this machine's without it. */
  readonly platform?: Bun.Build.CompileTarget
}

const targets: readonly Target[] = [{ outfile: 'dist/beamline' }]

/** The commit the checkout stands at; `unknown` where git cannot say. */
async function commit(): Promise<string> {
  const named = process.env['BEAMLINE_COMMIT']
  if (named) return named
  if (Bun.which('git') === null) return 'unknown'
  const git = Bun.spawn(['git', 'rev-parse', '--short', 'HEAD'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  const [text, code] = await Promise.all([new Response(git.stdout).text(), git.exited])
  return code === 0 ? text.trim() : 'unknown'
}

/** Makes one executable, which appears in its place all at once. Rejects with what the compiler said. */
async function build({ outfile, platform }: Target, builtFrom: string): Promise<void> {
  const folder = resolve(root, dirname(outfile))
  await mkdir(folder, { recursive: true })
  const unfinished = await mkdtemp(join(folder, '.build-'))
  try {
    await Bun.build({
      // The second one is the file that script threads are started from.
      entrypoints: [resolve(root, 'src/main.ts'), resolve(root, 'src/services/threads/script-thread.ts')],
      root,
      compile: {
        outfile: join(unfinished, basename(outfile)),
        ...(platform === undefined ? {} : { target: platform }),
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
      define: { BEAMLINE_COMMIT: JSON.stringify(builtFrom) },
      throw: true,
    })
    for (const name of await readdir(unfinished)) await rename(join(unfinished, name), join(folder, name))
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

const builtFrom = await commit()
for (const target of targets) {
  await build(target, builtFrom)
  process.stdout.write(`${target.outfile} (${builtFrom})\n`)
}
