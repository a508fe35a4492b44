import { expect, test } from 'bun:test'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startBeamline } from '../support/beamline-process.ts'
import { blocksOf, exchangesOf, isShown } from '../support/transcript.ts'

const root = resolve(import.meta.dir, '../..')

/** A folder to put first in PATH: a `beamline` made of the sources, and no need to know where its HTTP is. */
async function programs(port: string) {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-programs-'))
  const program = join(folder, 'beamline')
  const words = `#!/bin/sh\nHEALTH_BIND=127.0.0.1:${port} exec ${process.execPath} ${root}/src/main.ts "$@"\n`
  await writeFile(program, words)
  await chmod(program, 0o755)
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

test.skipIf(Bun.which('curl') === null)(
  'the README begins with what commands really print',
  async () => {
    const [block = ''] = blocksOf(await readFile(`${root}/README.md`, 'utf8'), { language: '' })
    const exchanges = exchangesOf(block)
    expect(exchanges.length).toBeGreaterThan(3)
    await using dev = await startBeamline(['dev'])
    const { port } = new URL(await dev.ready())
    await using own = await programs(port)
    for (const { command, printed } of exchanges) {
      const shell = Bun.spawn(['sh', '-c', command.replaceAll(':9091', `:${port}`)], {
        env: { ...process.env, PATH: `${own.folder}:${process.env['PATH'] ?? ''}` },
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 20_000,
      })
      const lines = (await new Response(shell.stdout).text()).trim().split('\n')
      expect(await shell.exited).toBe(0)
      expect({ command, lines: lines.length }).toEqual({ command, lines: printed.length })
      for (const [at, shown] of printed.entries()) {
        expect({ shown, line: lines[at], is: isShown(shown, lines[at] ?? '') }).toMatchObject({ is: true })
      }
    }
  },
  60_000,
)
