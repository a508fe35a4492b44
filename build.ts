/**
 * Builds executables: `bun build.ts` makes `dist/beamline` for this machine, `bun build.ts all` those of every target with
 * their sums and their bill of materials, `bun build.ts linux-arm64` that of one.
 */
import { join } from 'node:path'
import { compile } from './build/compile.ts'
import { makeRelease, makeTargets } from './build/release.ts'
import { readSource, root } from './build/source.ts'
import { isTargetName, targetNames } from './build/targets.ts'
import { removeUnfinished } from './build/unfinished.ts'

const names = process.argv.slice(2)

async function build(): Promise<void> {
  const source = await readSource()
  const tell = (file: string): void => void process.stdout.write(`dist/${file} (${source.commit})\n`)
  if (names.length === 0) {
    await compile({ outfile: join(root, 'dist/beamline'), commit: source.commit })
    tell('beamline')
  } else if (names.length === 1 && names[0] === 'all') {
    await makeRelease(source, tell)
    tell('SHA256SUMS')
  } else if (names.every(isTargetName)) {
    await makeTargets(names, source, tell)
  } else {
    throw new Error(`bun build.ts [all | NAME...], where NAME is one of ${targetNames.join(', ')}`)
  }
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    removeUnfinished()
    process.exit(code)
  })
}

await build().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
