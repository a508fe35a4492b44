import { expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Runs a test file of one test under the guard: its exit code and what it printed. */
async function guarded(body: string): Promise<{ code: number; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-guard-'))
  try {
    await writeFile(
      join(folder, 'planted.test.ts'),
      `import { test } from 'bun:test'\ntest('planted', async () => { ${body} })`,
    )
    const preload = resolve(import.meta.dir, 'leak-guard.ts')
    const run = Bun.spawn([process.execPath, 'test', '--preload', preload, './planted.test.ts'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err, code] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited])
    return { code, output: out + err }
  } finally {
    await rm(folder, { recursive: true })
  }
}

test.concurrent('a file that closes what it opens passes', async () => {
  const { code } = await guarded(`
    const child = Bun.spawn(['sleep', '60']); child.kill(); await child.exited
    await Bun.serve({ port: 0, fetch: () => new Response() }).stop(true)`)
  expect(code).toBe(0)
})

test.concurrent.if(process.platform === 'linux')('a file that leaves a process behind fails', async () => {
  const { code, output } = await guarded(`Bun.spawn(['sleep', '60'])`)
  expect(code).toBe(1)
  expect(output).toMatch(/Left behind by this test file: process \d+ \(sleep\)/)
})

test.concurrent.if(process.platform === 'linux')('a file that leaves a server listening fails', async () => {
  const { code, output } = await guarded('Bun.serve({ port: 0, fetch: () => new Response() })')
  expect(code).toBe(1)
  expect(output).toMatch(/Left behind by this test file: a listener on port \d+/)
})

test.concurrent('a file that leaves an opened resource behind fails, and the resource is reclaimed', async () => {
  const { code, output } = await guarded(`
    const { opened } = await import('${resolve(import.meta.dir, 'open-resources.ts')}')
    opened('the planted one', () => process.stdout.write('reclaimed'))`)
  expect(code).toBe(1)
  expect(output).toContain('the planted one')
  expect(output).toContain('reclaimed')
})
