import { z } from 'zod'
import type { Handler } from '../../src/handler.ts'

type Schema = Readonly<Record<string, unknown>>

/** `docs/handlers.md`: what each job type takes and gives, told from its schemas. */
export function handlersPage(handlers: readonly Handler[]): string {
  const intro = `# Job types

Generated from the handlers by \`bun run docs\`; a test fails when it is out of date.

| type | also accepted | does | pool | in sandbox mode |
|---|---|---|---|---|`
  const rows = handlers.map(({ type, aliases = [], summary, pool, sandbox }) => {
    const spellings = aliases.map((alias) => `\`${alias}\``).join(', ')
    return `| \`${type}\` | ${spellings} | ${summary} | ${pool} | ${sandbox === 'run' ? 'runs' : 'answers with its sample'} |`
  })
  return `${[intro, ...rows].join('\n')}\n${handlers.map(section).join('')}`
}

function section(handler: Handler): string {
  const { type, input, output, example, sample } = handler
  return `
## ${type}

Input:

${fields(z.toJSONSchema(input, { io: 'input' }))}

Output:

${fields(z.toJSONSchema(output))}

\`\`\`json
{"type":"${type}","payload":${JSON.stringify(example)}}
\`\`\`

gives, for example:

\`\`\`json
${JSON.stringify(sample)}
\`\`\`
`
}

function fields(schema: Schema): string {
  const properties = Object.entries(isSchema(schema['properties']) ? schema['properties'] : {})
  if (properties.length === 0) return 'Any JSON.'
  const rows = properties.map(([name, property]) => {
    const { type, default: fallback, description } = isSchema(property) ? property : {}
    const cells = [text(type) || 'any', fallback === undefined ? '' : JSON.stringify(fallback), text(description)]
    return `| \`${name}\` | ${cells.join(' | ')} |`
  })
  return ['| field | type | default | |', '|---|---|---|---|', ...rows].join('\n')
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
