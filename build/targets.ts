/** A machine that an executable is made for. */
export interface Target {
  /** The machine, in Bun's words. */
  readonly platform: Bun.Build.CompileTarget
  /** The package with the Bun that goes into the executable, and the machine in that package's words. */
  readonly runtime: string
  readonly os: 'linux' | 'darwin' | 'win32'
  readonly cpu: 'x64' | 'arm64'
}

/** What `bun run build:all` makes, by the end of the file's name: `beamline-NAME`. */
export const targets = {
  'linux-x64': { platform: 'bun-linux-x64', runtime: '@oven/bun-linux-x64', os: 'linux', cpu: 'x64' },
  // The same bytes as the one above, which runs on processors without AVX too, as of Bun 1.4; kept for those who ask for it.
  'linux-x64-baseline': {
    platform: 'bun-linux-x64-baseline',
    runtime: '@oven/bun-linux-x64-baseline',
    os: 'linux',
    cpu: 'x64',
  },
  // Needs musl 1.2.4 or later (an earlier one crashes at the start), libstdc++ and libgcc.
  'linux-x64-musl': { platform: 'bun-linux-x64-musl', runtime: '@oven/bun-linux-x64-musl', os: 'linux', cpu: 'x64' },
  'linux-arm64': { platform: 'bun-linux-arm64', runtime: '@oven/bun-linux-aarch64', os: 'linux', cpu: 'arm64' },
  'linux-arm64-musl': {
    platform: 'bun-linux-arm64-musl',
    runtime: '@oven/bun-linux-aarch64-musl',
    os: 'linux',
    cpu: 'arm64',
  },
  'macos-x64': { platform: 'bun-darwin-x64', runtime: '@oven/bun-darwin-x64', os: 'darwin', cpu: 'x64' },
  'macos-arm64': { platform: 'bun-darwin-arm64', runtime: '@oven/bun-darwin-aarch64', os: 'darwin', cpu: 'arm64' },
  'windows-x64': { platform: 'bun-windows-x64', runtime: '@oven/bun-windows-x64', os: 'win32', cpu: 'x64' },
} as const satisfies Readonly<Record<string, Target>>

/** The name of a target. */
export type TargetName = keyof typeof targets

/** Their names. */
export const targetNames: readonly TargetName[] = Object.keys(targets).filter(isTargetName)

/** Whether this is the name of a target. */
export function isTargetName(name: string): name is TargetName {
  return Object.hasOwn(targets, name)
}

/** The file that a target's executable is shipped as. */
export function fileOf(name: TargetName): string {
  return `beamline-${name}${name.startsWith('windows') ? '.exe' : ''}`
}
