import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runChild } from './child.ts'
import { archiveOf, type DebianArchive, sourcesFor } from './debian-sources.ts'

const updateLimitMs = 180_000
const downloadLimitMs = 120_000

/** This machine's Debian: its code name and its archive; undefined when it is no Debian, or has no sources. */
export async function debianOfThisMachine(): Promise<
  { readonly codename: string; readonly archive: DebianArchive } | undefined
> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1]
  if (codename === undefined || !/^ID="?debian/m.test(release) || Bun.which('apt-get') === null) return undefined
  const folder = '/etc/apt/sources.list.d'
  const names = await readdir(folder).catch(() => [])
  const paths = names.filter((name) => /\.(sources|list)$/.test(name)).map((name) => join(folder, name))
  const read = async (name: string): Promise<{ name: string; text: string }> => ({
    name,
    text: await readFile(name, 'utf8').catch(() => ''),
  })
  const archive = archiveOf(await Promise.all([...paths, '/etc/apt/sources.list'].map(read)), codename)
  return archive === undefined ? undefined : { codename, archive }
}

/**
 * Unpacks a package of a Debian release into `folder` (which must be empty) and resolves to where its files lie. Needs
 * no root and leaves the system's own apt alone. Rejects with what apt said.
 */
export async function unpackDebianPackage(
  name: string,
  options: { readonly archive: DebianArchive; readonly suite: string; readonly folder: string },
): Promise<string> {
  const { folder } = options
  const { files, configPath } = await prepareApt(options)
  await mustRun(['apt-get', '-c', configPath, 'update'], folder, updateLimitMs)
  await mustRun(['apt-get', '-c', configPath, 'download', name], folder, downloadLimitMs)
  const file = (await readdir(folder)).find((entry) => entry.endsWith('.deb'))
  if (file === undefined) throw new Error(`apt-get brought no ${name} from ${options.suite}`)
  await mustRun(['dpkg-deb', '-x', join(folder, file), files], folder, downloadLimitMs)
  return files
}

/** The same, with all that the package needs and this machine does not have. */
export async function unpackDebianPackages(
  name: string,
  options: { readonly archive: DebianArchive; readonly suite: string; readonly folder: string },
): Promise<string> {
  const { folder } = options
  const { files, configPath } = await prepareApt(options)
  const apt = ['apt-get', '-c', configPath, '-o', 'Dir::State::status=/var/lib/dpkg/status', '-o', 'Debug::NoLocking=1']
  await mustRun([...apt, 'update'], folder, updateLimitMs)
  const asked = ['install', '--yes', '--download-only', '--no-install-recommends', name]
  await mustRun([...apt, ...asked], folder, downloadLimitMs)
  const archives = join(folder, 'cache/archives')
  for (const file of await readdir(archives)) {
    if (file.endsWith('.deb')) await mustRun(['dpkg-deb', '-x', join(archives, file), files], folder, downloadLimitMs)
  }
  return files
}

/** A place in `folder` that apt can work in; `files` is where packages are unpacked. */
async function prepareApt({
  archive,
  suite,
  folder,
}: {
  readonly archive: DebianArchive
  readonly suite: string
  readonly folder: string
}) {
  const files = join(folder, 'files')
  const configPath = join(folder, 'apt.conf')
  await Promise.all(
    ['state/lists/partial', 'cache/archives/partial', 'files'].map((sub) =>
      mkdir(join(folder, sub), { recursive: true }),
    ),
  )
  await writeFile(join(folder, 'apt.sources'), sourcesFor(archive, suite))
  await writeFile(join(folder, 'status'), '')
  await writeFile(configPath, aptConfig(folder))
  return { files, configPath }
}

/** The hooks of the system's own configuration would act on the system's caches, so they are cleared. */
function aptConfig(folder: string): string {
  const hooks = ['Pre-Invoke', 'Post-Invoke', 'Post-Invoke-Success'].map((hook) => `#clear APT::Update::${hook};\n`)
  const settings: Readonly<Record<string, string>> = {
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
    'Dir::State': join(folder, 'state'),
    'Dir::State::lists': join(folder, 'state/lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Cache::archives': join(folder, 'cache/archives'),
    'Dir::Etc::sourcelist': join(folder, 'apt.sources'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`)
  return [...hooks, ...lines].join('')
}

async function mustRun(command: readonly string[], cwd: string, limitMs: number): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  const { code, output } = await runChild(command, { cwd, env, limitMs, quiet: true })
  if (code !== 0) throw new Error(`${command.join(' ')}: ${output.trim().split('\n').slice(-3).join(' | ')}`)
}
