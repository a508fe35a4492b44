import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dir, '../..')
const buildLimitMs = 120_000

test(
  'script threads start inside an executable, from whatever folder',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'beamline-probe-'))
    try {
      const outfile = join(folder, 'probe')
      const entrypoints = ['test/binary/script-thread-probe.ts', 'src/services/threads/script-thread.ts']
      await Bun.build({
        entrypoints: entrypoints.map((path) => join(root, path)),
        root,
        compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
        format: 'esm',
        bytecode: true,
        minify: true,
        throw: true,
      })
      const probe = Bun.spawn([outfile], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
      const [stdout, stderr, code] = await Promise.all([
        new Response(probe.stdout).text(),
        new Response(probe.stderr).text(),
        probe.exited,
      ])
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '[41,42,43,44,44]\n', stderr: '' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
  buildLimitMs,
)
