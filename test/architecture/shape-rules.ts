import { basename } from 'node:path'
import type { SourceFile } from './source-file.ts'

/** The most lines a file may have; half of it is the aim. */
export const longestFile = 300

const forbiddenNames = /^(utils?|helpers?|common|misc|types)\./
const fileName = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|contract))?\.ts$/
const folderNames = /^([a-z0-9-]+\/)*$/

/** Everything about a file's name, size, exports and comments that the project does not want, wherever it lies. */
export function shapeFaults(file: SourceFile): readonly string[] {
  const name = basename(file.path)
  const folder = file.path.slice(0, -name.length)
  const faults = [
    file.lines > longestFile && `has ${file.lines} lines, more than ${longestFile}`,
    !(fileName.test(name) && folderNames.test(folder)) && 'is not named in kebab-case',
    forbiddenNames.test(name) && 'has a name that says nothing',
    name === 'index.ts' && file.path !== 'src/handlers/index.ts' && 'is an index file',
  ].filter((fault) => fault !== false)
  const marked = [
    ...file.constructs,
    ...file.comments.flatMap(({ name: text, line }) => commentFaults(text).map((fault) => ({ name: fault, line }))),
  ]
  return [
    ...faults.map((fault) => `${file.path} ${fault}`),
    ...marked.map(({ name: fault, line }) => `${file.path}:${line} has ${fault}`),
  ]
}

function commentFaults(text: string): readonly string[] {
  const faults: string[] = []
  if (/\b(TODO|FIXME|XXX|HACK)\b/.test(text)) faults.push('a note of work not done')
  if (/[-=*#]{8,}|─{3,}|═{3,}/.test(text)) faults.push('a banner')
  if (/^\s*(const|let|return|await|import|if \(|for \().*[;({]?$/m.test(text) && /[=(].*[;)]\s*$/m.test(text)) {
    faults.push('code in a comment')
  }
  return faults
}
