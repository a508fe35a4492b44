/** What the pages show of commands and their output: found in Markdown, and compared with what really comes. */

/** A command as it was typed, and the lines that it printed; `…` stands for what was left out. */
interface Exchange {
  readonly command: string
  readonly printed: readonly string[]
}

/** The texts of the fenced blocks of a page, in order, below a heading (of the whole page, without one); `language` is what stands behind the fence. */
export function blocksOf(
  markdown: string,
  { under, language }: { under?: string; language: string },
): readonly string[] {
  const section = under === undefined ? markdown : sectionOf(markdown, under)
  return [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, name = '', text = '']) =>
    name === language ? [text] : [],
  )
}

/** The exchanges of a block whose commands stand behind `$ `. */
export function exchangesOf(block: string): readonly Exchange[] {
  const parts = block.split(/^\$ /m).slice(1)
  return parts.map((part) => {
    const [command = '', ...printed] = part.trimEnd().split('\n')
    return { command, printed }
  })
}

/** Whether a line is what was shown, with anything where that has `…`. */
export function isShown(shown: string, line: string): boolean {
  const pattern = shown
    .split('…')
    .map((piece) => RegExp.escape(piece))
    .join('.*')
  return new RegExp(`^${pattern}$`, 's').test(line)
}

function sectionOf(markdown: string, heading: string): string {
  const [, after] = markdown.split(`\n## ${heading}\n`)
  if (after === undefined) throw new Error(`There is no section "${heading}"`)
  return after.split(/^## /m)[0] ?? ''
}
