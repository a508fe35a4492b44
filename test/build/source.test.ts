import { describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inputs, readSource, root } from '../../build/source.ts'
import { dockerfileText, named, stagesOf } from '../support/dockerfile.ts'

/** A repository with one commit of a source and a page. */
async function repository() {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'beamline-source-')))
  const git = async (...args: readonly string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Nobody', '-c', 'user.email=nobody@example.com']
    const child = Bun.spawn(['git', ...identity, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const [text, code] = await Promise.all([child.stdout.text(), child.exited])
    if (code !== 0) throw new Error(await child.stderr.text())
    return text.trim()
  }
  await git('init', '--quiet')
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src/main.ts'), '1\n')
  await writeFile(join(folder, 'README.md'), '1\n')
  await git('add', '.')
  await git('commit', '--quiet', '--message=one')
  const commit = await git('rev-parse', '--short', 'HEAD')
  return { folder, commit, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

describe.skipIf(Bun.which('git') === null)('the commit that an executable names', () => {
  test('is that of the sources', async () => {
    await using its = await repository()
    await writeFile(join(its.folder, 'README.md'), '2\n')
    const { commit, committed } = await readSource(its.folder, '')
    expect(commit).toBe(its.commit)
    expect(committed).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  test.each(['src/main.ts', 'src/new.ts', 'package.json'])(
    'says so when %s is not what was committed',
    async (path) => {
      await using its = await repository()
      await writeFile(join(its.folder, path), '2\n')
      expect(await readSource(its.folder, '')).toEqual({ commit: `${its.commit}-dirty`, committed: undefined })
    },
  )

  test('is not that of a repository around the sources', async () => {
    await using its = await repository()
    expect(await readSource(join(its.folder, 'src'), '')).toEqual({ commit: 'unknown', committed: undefined })
  })

  test('is unknown where there is no repository', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'beamline-source-'))
    expect(await readSource(folder, '')).toEqual({ commit: 'unknown', committed: undefined })
    await rm(folder, { recursive: true })
  })

  test('can be given, with its time where git has it', async () => {
    await using its = await repository()
    expect(await readSource(its.folder, its.commit)).toEqual(await readSource(its.folder, ''))
    expect(await readSource(its.folder, 'v1.2.3-rc.1')).toEqual({ commit: 'v1.2.3-rc.1', committed: undefined })
  })
})

test.each(['a"b', 'two\nlines', '--output=x', '-p', 'a b', 'x'.repeat(65)])('%j is no commit', async (name) => {
  await expect(readSource(root, name)).rejects.toThrow('BEAMLINE_COMMIT is no commit')
})

test('the container is built from the files that are looked at', () => {
  const copied = named(stagesOf(dockerfileText)[0], 'COPY').flatMap(({ words }) => words.slice(0, -1))
  expect(copied.toSorted()).toEqual(inputs.toSorted())
})
