import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../build/source.ts'

/** An instruction of a Dockerfile, on one line. */
export interface Instruction {
  readonly name: string
  readonly flags: Readonly<Record<string, string>>
  /** What follows the flags. */
  readonly rest: string
  /** That in words; of a JSON list, its parts. */
  readonly words: readonly string[]
}

/** The text of our Dockerfile. */
export const dockerfileText = readFileSync(join(root, 'Dockerfile'), 'utf8')

/** The instructions of each stage of a Dockerfile, its FROM first. */
export function stagesOf(text: string): readonly (readonly Instruction[])[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: Instruction[][] = []
  for (const instruction of lines.map(instructionOf)) {
    if (instruction.name === 'FROM') stages.push([])
    stages.at(-1)?.push(instruction)
  }
  return stages
}

/** The instructions of a stage that have this name. */
export function named(stage: readonly Instruction[] | undefined, name: string): readonly Instruction[] {
  return stage?.filter((instruction) => instruction.name === name) ?? []
}

function instructionOf(line: string): Instruction {
  const [, name = '', flagText = '', rest = ''] = /^(\w+)\s+((?:--\S+\s+)*)(.*)$/.exec(line) ?? []
  const flags = [...flagText.matchAll(/--([\w-]+)=(\S*)/g)].map(([, flag = '', value = '']) => [flag, value] as const)
  const words: readonly string[] = rest.startsWith('[') ? JSON.parse(rest) : rest.split(/\s+/)
  return { name: name.toUpperCase(), flags: Object.fromEntries(flags), rest, words }
}
