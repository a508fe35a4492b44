import { describe, expect, test } from 'bun:test'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { root } from '../build/source.ts'
import manifest from '../package.json' with { type: 'json' }
import { loadConfig } from '../src/config/load.ts'
import { dockerfileText, named, stagesOf } from './support/dockerfile.ts'

const [build, final] = stagesOf(dockerfileText)

/** What the linter of practice says of a Dockerfile, by rule. */
async function badPractice(text: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'beamline-dockerfile-'))
  try {
    const path = join(folder, 'Dockerfile')
    await writeFile(path, text)
    const linter = Bun.fileURLToPath(import.meta.resolve('dockerlinter'))
    // The shell's own linter is a program that would have to be downloaded.
    const child = Bun.spawn([process.execPath, linter, '--file', path, '--shellcheck', 'none', '--error'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    const rules = [...`${out}${err}`.matchAll(/\/(E\w+)\//g)].map(([, rule = '']) => rule)
    expect(await child.exited).toBe(rules.length === 0 ? 0 : 1)
    return rules
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('linters', () => {
  test("find nothing in the container's file", async () => {
    expect(validate(dockerfileText).map(({ message }) => message)).toEqual([])
    expect(await badPractice(dockerfileText)).toEqual([])
  })

  test('would find what is wrong', async () => {
    const wrong = dockerfileText.replace('--interval', '--intervall').replace('EXPOSE', 'EXPOSES')
    expect(validate(wrong).length).toBe(2)
    expect(await badPractice(dockerfileText.replace('USER 65532:65532', 'USER root'))).toEqual(['EU0001'])
  })
})

describe('the container', () => {
  test('is built on the machine at hand, for the one that is asked for', () => {
    expect(named(build, 'FROM')[0]?.flags).toEqual({ platform: '$BUILDPLATFORM' })
    expect(named(final, 'FROM')[0]?.flags).toEqual({})
    expect(named(build, 'ARG').map(({ rest }) => rest)).toContain('TARGETARCH')
  })

  test('holds one file and an empty folder, on what has a C library and no shell', () => {
    expect(named(final, 'FROM')[0]?.rest).toEndWith('/distroless/base-debian12:nonroot')
    expect(named(final, 'RUN')).toEqual([])
    const copied = named(final, 'COPY').map(({ flags, words }) => [flags['from'], words.at(-1)])
    expect(copied).toEqual([
      ['build', '/usr/local/bin/beamline'],
      ['build', '/data'],
    ])
  })

  test('runs it as a user that is not root and that Kubernetes can tell, with a health check', () => {
    expect(named(final, 'USER')[0]?.rest).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    expect(named(final, 'COPY').at(-1)?.flags['chown']).toBe(named(final, 'USER')[0]?.rest ?? '')
    expect(named(final, 'ENTRYPOINT')[0]?.words).toEqual(['/usr/local/bin/beamline'])
    const [check] = named(final, 'HEALTHCHECK')
    expect(check?.rest).toBe('CMD ["/usr/local/bin/beamline", "health"]')
    // The command itself gives up after 3 s, and says why.
    expect(Number.parseInt(check?.flags['timeout'] ?? '', 10)).toBeGreaterThan(3)
  })

  test('says what it is, in which version and of which commit', () => {
    const labels = Object.fromEntries(named(final, 'LABEL')[0]?.words.map((word) => word.split('=')) ?? [])
    expect(labels).toEqual({
      'org.opencontainers.image.title': `"${manifest.name}"`,
      'org.opencontainers.image.version': `"${manifest.version}"`,
      'org.opencontainers.image.revision': '"$COMMIT"',
      'org.opencontainers.image.licenses': `"${manifest.license}"`,
    })
    expect(named(final, 'ARG').map(({ rest }) => rest)).toEqual(['COMMIT=unknown'])
  })

  test('keeps what it writes in its volume, and its port is the one that is listened on', () => {
    const settings = Object.fromEntries(named(final, 'ENV')[0]?.words.map((word) => word.split('=')) ?? [])
    expect(Object.keys(settings).toSorted()).toEqual(['DLQ_PATH', 'FS_BASE_DIR', 'STATE_PATH'])
    const volume = named(final, 'VOLUME')[0]?.rest ?? ''
    for (const path of Object.values(settings)) expect(path).toStartWith(`${volume}/`)
    expect(named(final, 'EXPOSE')[0]?.rest).toBe(String(loadConfig({}).http.port))
  })

  test('is built from what the context lets through', async () => {
    const [all, ...rules] = (await readFile(join(root, '.dockerignore'), 'utf8')).trim().split('\n')
    expect(all).toBe('*')
    const sources = named(build, 'COPY').flatMap(({ words }) => words.slice(0, -1))
    expect(rules.filter((rule) => rule.startsWith('!')).toSorted()).toEqual(
      sources.map((path) => `!${path}`).toSorted(),
    )
  })
})
