import { beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signMachO } from '../../build/apple-signature.ts'
import { root } from '../../build/source.ts'
import { fileOf, type TargetName, targetNames, targets } from '../../build/targets.ts'
import manifest from '../../package.json' with { type: 'json' }
import { runBeamline } from '../support/beamline-process.ts'
import { runBuildStage } from '../support/build-stage.ts'
import { billFaults } from '../support/cyclonedx.ts'
import { type ExecutableFormat, readExecutable } from '../support/executable-format.ts'

const dist = join(root, 'dist')
const buildLimitMs = 540_000
/** For what reads a gigabyte. */
const readLimitMs = 120_000
const glibcLoader = '/lib64/ld-linux-x86-64.so.2'
const muslLoader = '/lib/ld-musl-x86_64.so.1'

const formats: Readonly<Record<TargetName, ExecutableFormat>> = {
  'linux-x64': { format: 'ELF', machine: 'x64', loader: glibcLoader },
  'linux-x64-baseline': { format: 'ELF', machine: 'x64', loader: glibcLoader },
  'linux-x64-musl': { format: 'ELF', machine: 'x64', loader: muslLoader },
  'linux-arm64': { format: 'ELF', machine: 'arm64', loader: '/lib/ld-linux-aarch64.so.1' },
  'linux-arm64-musl': { format: 'ELF', machine: 'arm64', loader: '/lib/ld-musl-aarch64.so.1' },
  'macos-x64': { format: 'Mach-O', machine: 'x64', signatureFaults: [] },
  'macos-arm64': { format: 'Mach-O', machine: 'arm64', signatureFaults: [] },
  'windows-x64': { format: 'PE', machine: 'x64' },
}

/** Runs a command in a folder and resolves to what it printed, when it ends well. */
async function output(cwd: string, ...command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdio: ['ignore', 'pipe', 'inherit'], timeout: buildLimitMs })
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited])
  expect(code).toBe(0)
  return text
}

let commit = ''

beforeAll(async () => {
  const told = await output(root, process.execPath, 'build.ts', 'all')
  commit = /\((.+)\)/.exec(told)?.[1] ?? ''
  await output(root, process.execPath, 'build.ts')
}, buildLimitMs)

describe.each(targetNames)('the executable for %s', (name) => {
  const path = join(dist, fileOf(name))

  test('has the format, the machine, the loader and the signature of it', async () => {
    expect(await readExecutable(path)).toEqual(formats[name])
  })

  test('holds its version and commit, and no path of the machine that made it', async () => {
    const bytes = await readFile(path)
    const at = bytes.indexOf(`,commit:${JSON.stringify(commit)},bun:Bun.version}`)
    expect(at).toBeGreaterThan(0)
    expect(bytes.toString('latin1', at - 100, at)).toContain(`=${JSON.stringify(manifest.version)}`)
    expect(bytes.includes(root)).toBe(false)
  })
})

const onX64 = process.platform === 'linux' && process.arch === 'x64'
const here = onX64 && existsSync(glibcLoader)
// As on Alpine: beside its loader it needs the libraries of C++ and of GCC, made for musl.
const onMusl = onX64 && [muslLoader, '/usr/lib/libstdc++.so.6'].every((path) => existsSync(path))
const running = [
  ['linux-x64', here],
  ['linux-x64-baseline', here],
  ['linux-x64-musl', onMusl],
] as const
for (const [name, runs] of running) {
  test.skipIf(!runs)(
    `the executable for ${name} says so`,
    async () => {
      const { stdout } = await runBeamline(['--version'], {}, { program: [join(dist, fileOf(name))] })
      expect(stdout).toEqual([`beamline ${manifest.version} (commit ${commit}, Bun ${Bun.version})`])
    },
    60_000,
  )
}

test.skipIf(!here)(
  'the executable of this machine, on which all other tests are run, is one of them',
  async () => {
    const sums = await output(dist, 'sha256sum', 'beamline', 'beamline-linux-x64')
    expect(
      new Set(
        sums
          .trim()
          .split('\n')
          .map((line) => line.split(' ')[0]),
      ).size,
    ).toBe(1)
  },
  60_000,
)

describe.skipIf(!here).each([
  ['amd64', 'linux-x64'],
  ['arm64', 'linux-arm64'],
] as const)('the build stage of the container for %s', (architecture, name) => {
  test(
    'makes the same bytes, in another folder, from what is copied into it',
    async () => {
      await using made = await runBuildStage({ COMMIT: commit, TARGETARCH: architecture })
      const theirs = await readFile(join(made.folder, 'dist/beamline'))
      expect(theirs.equals(await readFile(join(dist, fileOf(name))))).toBe(true)
      expect(await readdir(join(made.folder, 'data'))).toEqual([])
    },
    readLimitMs,
  )
})

test(
  'the sums are those of all files',
  async () => {
    expect(await output(dist, 'sha256sum', '--check', '--strict', 'SHA256SUMS')).toBe(
      [...targetNames.map(fileOf), 'beamline.cdx.json'].map((file) => `${file}: OK\n`).join(''),
    )
    expect((await readdir(dist)).filter((name) => name.startsWith('.'))).toEqual([])
  },
  readLimitMs,
)

test('the bill of materials tells of every executable and of the Bun in it', async () => {
  const text = await readFile(join(dist, 'beamline.cdx.json'), 'utf8')
  expect(await billFaults(text)).toEqual([])
  const { metadata, dependencies } = JSON.parse(text)
  expect(metadata.component).toMatchObject({ version: manifest.version, pedigree: { commits: [{ uid: commit }] } })
  const sums = await readFile(join(dist, 'SHA256SUMS'), 'utf8')
  for (const { name, hashes } of metadata.component.components)
    expect(sums).toContain(`${hashes[0].content}  ${name}\n`)
  for (const name of targetNames) {
    const needs = dependencies.find(({ ref }: { ref: string }) => ref === fileOf(name)).dependsOn
    expect(needs).toContain(`pkg:npm/${targets[name].runtime.replace('@', '%40')}@${Bun.version}`)
  }
})

test("our signature is what Bun's is, where Bun signs what it makes", async () => {
  const theirs = await readFile(join(dist, fileOf('macos-arm64')))
  expect(signMachO(theirs, 'a.out').equals(theirs)).toBe(true)
})

test('a signature that does not fit is found', async () => {
  const folder = (await output(dist, 'mktemp', '-d')).trim()
  const path = join(folder, 'changed')
  try {
    const bytes = await readFile(join(dist, fileOf('macos-x64')))
    bytes[50_000_000] = (bytes[50_000_000] ?? 0) ^ 1
    await Bun.write(path, bytes)
    expect((await readExecutable(path)).signatureFaults).toEqual(['page 12207 is not what was signed'])
  } finally {
    await output(dist, 'rm', '-r', folder)
  }
}, 60_000)

test('sums and a bill do not outlive the files that they tell of', async () => {
  await output(root, process.execPath, 'build.ts', 'linux-x64')
  const names = await readdir(dist)
  expect(names).toContain('beamline-linux-x64')
  expect(names.filter((name) => ['SHA256SUMS', 'beamline.cdx.json'].includes(name))).toEqual([])
}, 60_000)

test('a machine that nothing is made for is refused, with those that there are', async () => {
  const child = Bun.spawn([process.execPath, join(root, 'build.ts'), 'amiga'], { stdio: ['ignore', 'ignore', 'pipe'] })
  expect(await new Response(child.stderr).text()).toContain(targetNames.join(', '))
  expect(await child.exited).toBe(1)
}, 60_000)
