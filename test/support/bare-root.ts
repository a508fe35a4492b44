import { chmod, copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const certificates = '/etc/ssl/certs/ca-certificates.crt'
const program = '/usr/local/bin/beamline'

/** The user that the program runs as in a bare root, who is nobody outside. */
export const bareUser = 65_532

/** A folder to be the root of a process: the executable, the libraries that it names, certificates, `/proc` and `/tmp`. */
export interface BareRoot extends AsyncDisposable {
  readonly folder: string
  /** Runs the executable in it, with a mount namespace of its own: the root read-only, `/tmp` empty and in memory. */
  readonly program: readonly string[]
  /** Every file in it, from its top. */
  readonly files: readonly string[]
}

interface Way {
  /** Starts the script that mounts. */
  readonly begin: readonly string[]
  /** Ends that script: becomes the program. */
  readonly end: string
}

const ways: readonly Way[] = [
  { begin: ['unshare', '--mount'], end: `chroot --userspec=${bareUser}:${bareUser} "$root" ${program}` },
  {
    begin: ['unshare', '--user', '--map-root-user', '--mount'],
    end: `unshare --user --map-user=${bareUser} --map-group=${bareUser} --root="$root" ${program}`,
  },
]

/** How a root can be changed here: as root, or in a user namespace; undefined where neither is allowed. */
const allowed = ways.find(({ begin: [unshare = '', ...flags] }) => {
  const path = Bun.which(unshare)
  return path !== null && Bun.spawnSync([path, ...flags, 'true']).success
})

/** Whether processes can be given a root of their own here. */
export const hasBareRoot = allowed !== undefined

/** Makes one for an executable, which has to be for this machine and its C library. */
export async function openBareRoot(executable: string): Promise<BareRoot> {
  if (allowed === undefined) throw new Error('Nothing here may change the root of a process')
  const folder = await mkdtemp(join(tmpdir(), 'beamline-root-'))
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await chmod(folder, 0o755)
    await Promise.all(['proc', 'tmp'].map((name) => mkdir(join(folder, name))))
    await place(executable, join(folder, program))
    for (const path of [certificates, ...(await librariesOf(executable))]) await place(path, join(folder, path))
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
    return {
      folder,
      program: [...allowed.begin, 'sh', '-c', script(allowed, folder), 'sh'],
      files: files.map((path) => path.slice(folder.length)).toSorted(),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** What is mounted is seen by this process only, and is gone with it. */
function script({ end }: Way, folder: string): string {
  return [
    'set -e',
    `root=${folder}`,
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'mount --bind "$root" "$root"',
    'mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"',
    'mount --rbind /proc "$root/proc"',
    'mount -o remount,bind,ro "$root"',
    // Not from the folder it was started in, which would stay open through the change of the root.
    'cd "$root"',
    `exec ${end} "$@"`,
  ].join('\n')
}

/** The loader and the libraries that an executable names, with those that they name. */
async function librariesOf(executable: string): Promise<readonly string[]> {
  const child = Bun.spawn(['ldd', executable], { stdio: ['ignore', 'pipe', 'inherit'] })
  const text = await new Response(child.stdout).text()
  return [...text.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await copyFile(from, to)
}
