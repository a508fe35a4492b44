import { dirname, join } from 'node:path'
import type { Mark, SourceFile } from './source-file.ts'

/** The parts of `src/`, lowest first: a part may import what stands in its own row and in the rows above it here. */
const layers: readonly (readonly string[])[] = [
  ['lib', 'errors'],
  ['observe', 'protocol', 'config'],
  ['bus', 'store', 'handler'],
  ['nats', 'dlq', 'services', 'exchange'],
  ['handlers', 'http'],
  ['role'],
  ['worker', 'approvals'],
  ['roles', 'cli'],
  ['main'],
]

const roles = ['worker', 'approvals']

/** Imports of values that `handlers/` may have; of `services/` they may have types only. */
const partsForHandlers = ['lib', 'errors', 'handler', 'handlers']

/** Who may import a package, as beginnings of paths or whole paths. */
const packageOwners: readonly (readonly [package_: RegExp, owners: RegExp])[] = [
  [/^(@nats-io\/|nats$|nkeys)/, /^src\/nats\//],
  [/^(elysia|@elysiajs\/)/, /^src\/(http\/|\w+\/([\w-]+-)?routes\.ts$)/],
  [/^prom-client/, /^src\/observe\//],
  [/^(quickjs-emscripten|@jitl\/)/, /^src\/services\/scripts\//],
  [/^(node:)?timers/, /^$/],
  [/^(node:)?worker_threads/, /script-thread\.ts$/],
]

/** What a file of `src/` may not import, and does. */
export function wrongImports(file: SourceFile): readonly string[] {
  return file.imports.flatMap((mark) => {
    const reason = mark.name.startsWith('.') ? wrongFile(file.path, mark) : wrongPackage(file.path, mark)
    return reason === undefined ? [] : [`${file.path}:${mark.line} imports ${mark.name}: ${reason}`]
  })
}

/** Every circle of imports, each once, as `a -> b -> a`. Types count: a circle of types is still one idea in two files. */
export function importCycles(files: readonly SourceFile[]): readonly string[] {
  const targets = new Map(files.map(({ path, imports }) => [path, imports.map(({ name }) => target(path, name))]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path)
    if (seenAt !== -1) cycles.push([...trail.slice(seenAt), path].join(' -> '))
    if (seenAt !== -1 || done.has(path)) return
    for (const next of targets.get(path) ?? []) visit(next, [...trail, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return cycles
}

function wrongFile(path: string, mark: Mark & { readonly typeOnly: boolean }): string | undefined {
  const to = target(path, mark.name)
  if (to === 'package.json') return undefined
  if (!to.startsWith('src/')) return 'it lies outside src/'
  const [own, other] = [partOf(path), partOf(to)]
  const [ownLayer, otherLayer] = [layerOf(own), layerOf(other)]
  if (ownLayer === undefined) return `${own} has no place among the layers`
  if (otherLayer === undefined) return `${other} has no place among the layers`
  if (otherLayer > ownLayer) return `${own} stands below ${other}`
  if (own !== other && roles.includes(own) && roles.includes(other)) return 'roles do not import each other'
  if (own !== 'handlers' || partsForHandlers.includes(other)) return undefined
  if (other !== 'services') return `handlers do not see ${other}`
  return mark.typeOnly ? undefined : 'handlers see only the types of services'
}

function wrongPackage(path: string, { name }: Mark): string | undefined {
  const broken = packageOwners.find(([package_, owners]) => package_.test(name) && !owners.test(path))
  return broken === undefined ? undefined : 'that package has another owner'
}

function target(path: string, specifier: string): string {
  return specifier.startsWith('.') ? join(dirname(path), specifier) : specifier
}

/** `src/worker/intake.ts` is part of `worker`, `src/errors.ts` is `errors`. */
function partOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? ''
}

function layerOf(part: string): number | undefined {
  const layer = layers.findIndex((parts) => parts.includes(part))
  return layer === -1 ? undefined : layer
}
