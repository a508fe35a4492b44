import { expect, test } from 'bun:test'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { findNatsServer, natsVariables } from '../support/nats-binary.ts'
import { opened } from '../support/open-resources.ts'
import { blocksOf, isShown } from '../support/transcript.ts'

const root = resolve(import.meta.dir, '../..')
const section = 'Run it on NATS'
/** What a clone does not have. */
const made: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', '.cache', '.git'])
const limitMs = 300_000

/** Why the commands cannot be run as they are printed; undefined when they can. */
async function obstacle(): Promise<string | undefined> {
  if (findNatsServer('newest') === undefined) return 'there is no nats-server'
  const missing = ['npx', 'bash'].find((program) => Bun.which(program) === null)
  if (missing !== undefined) return `there is no ${missing}`
  for (const port of [4222, 9091]) if (!(await isFree(port))) return `port ${port} is taken`
  return undefined
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => done(true)))
  })
}

/** A clone of this checkout as it is now, and a folder with a program named `nats-server`; both go with it. */
async function freshClone() {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-readme-'))
  const clone = join(folder, 'clone')
  const programs = join(folder, 'programs')
  await cp(root, clone, { recursive: true, filter: (path) => !made.has(relative(root, path).split(sep)[0] ?? '') })
  await mkdir(programs)
  await symlink(findNatsServer('newest') ?? '', join(programs, 'nats-server'))
  return { folder, clone, programs, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

const reason = await obstacle()

test.skipIf(reason !== undefined)(
  `the five commands of the README, run as they are printed${reason === undefined ? '' : ` (${reason})`}`,
  async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const [commands = ''] = blocksOf(readme, { under: section, language: 'sh' })
    const [shown = ''] = blocksOf(readme, { under: section, language: '' })
    expect(commands.trim().split('\n')).toHaveLength(5)
    await using fresh = await freshClone()
    const { [natsVariables.newest]: _newest, [natsVariables.old]: _old, ...env } = process.env
    const shell = Bun.spawn(['bash', '-e', '-c', `trap 'kill $(jobs -p); wait' EXIT\n${commands}`], {
      cwd: fresh.clone,
      // Nothing that the commands leave behind where they are meant for people.
      env: {
        ...env,
        PATH: `${fresh.programs}:${env['PATH'] ?? ''}`,
        DLQ_PATH: join(fresh.folder, 'dead-letters.jsonl'),
        FS_BASE_DIR: join(fresh.folder, 'blobs'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const endAll = (): void => void process.kill(-shell.pid, 'SIGKILL')
    const closed = opened('the shell of the README', endAll)
    const late = systemClock.after(limitMs, endAll)
    const [printed, complaints, code] = await Promise.all([
      new Response(shell.stdout).text(),
      new Response(shell.stderr).text(),
      shell.exited,
    ])
    late.cancel()
    closed()
    const results = printed.split('\n').filter((line) => line.startsWith('{"version"'))
    const expected = shown.trim().split('\n')
    expect({ code, results: results.length, complaints }).toMatchObject({ code: 0, results: expected.length })
    expect(expected.filter((line) => !results.some((result) => isShown(line, result)))).toEqual([])
  },
  limitMs + 30_000,
)
