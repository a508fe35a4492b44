import { parseSync, Visitor } from 'oxc-parser'

/** Something in a file, and the line it stands on, from 1. */
export interface Mark {
  readonly name: string
  readonly line: number
}

interface Import extends Mark {
  /** Nothing of it is left when the program runs. */
  readonly typeOnly: boolean
}

/** What the rules need to know of a file. */
export interface SourceFile {
  /** From the top of the checkout. */
  readonly path: string
  readonly text: string
  readonly lines: number
  /** Every module that is named in an import, static or not, of values or types; exports from elsewhere included. */
  readonly imports: readonly Import[]
  /** Names that are used (`console`), names of members (`Date.now`), constructions (`new Worker`, `new Date()`). */
  readonly uses: readonly Mark[]
  /** Names in snake_case that are given to properties, but for what is handed to a log, an error's details and readiness. */
  readonly wireNames: readonly Mark[]
  /** Constructs the project does without, each in a word or two. */
  readonly constructs: readonly Mark[]
  readonly comments: readonly Mark[]
}

const isSnakeCase = /^[a-z0-9]+(_[a-z0-9]+)+$/
const isFieldsKey = /^(details|context|checks)$/
const isLogCall = /\b(log|logger)\??\.(debug|info|warn|error|child)$/i

/** Reads a source; throws when it does not parse. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const lineAt = lineFinder(text)
  const uses: Mark[] = []
  const constructs: Mark[] = []
  const wireNames: Mark[] = []
  const isMemberName = new Set<number>()
  let fieldsDepth = 0
  const add = (to: Mark[], name: string, at: { readonly start: number }): void => {
    to.push({ name, line: lineAt(at.start) })
  }
  new Visitor({
    MemberExpression(node) {
      if (node.property.type === 'Identifier' && !node.computed) isMemberName.add(node.property.start)
      const name = text.slice(node.start, node.end)
      if (/^[\w.]{1,40}$/.test(name)) add(uses, name.replace(/^globalThis\./, ''), node)
    },
    CallExpression(node) {
      if (isLogCall.test(text.slice(node.callee.start, node.callee.end))) fieldsDepth++
    },
    'CallExpression:exit'(node) {
      if (isLogCall.test(text.slice(node.callee.start, node.callee.end))) fieldsDepth--
    },
    Property(node) {
      const key = text.slice(node.key.start, node.key.end)
      if (!(node.computed || node.shorthand)) isMemberName.add(node.key.start)
      if (isFieldsKey.test(key)) fieldsDepth++
      if (fieldsDepth === 0 && isSnakeCase.test(key)) add(wireNames, key, node)
    },
    'Property:exit'(node) {
      if (isFieldsKey.test(text.slice(node.key.start, node.key.end))) fieldsDepth--
    },
    MethodDefinition: (node) => void isMemberName.add(node.key.start),
    PropertyDefinition: (node) => void isMemberName.add(node.key.start),
    TSPropertySignature(node) {
      const key = text.slice(node.key.start, node.key.end)
      isMemberName.add(node.key.start)
      if (isSnakeCase.test(key)) add(wireNames, key, node)
    },
    TSMethodSignature: (node) => void isMemberName.add(node.key.start),
    Identifier(node) {
      if (!isMemberName.has(node.start)) add(uses, node.name, node)
    },
    NewExpression(node) {
      const name = text.slice(node.callee.start, node.callee.end)
      add(uses, `new ${name}${node.arguments.length === 0 ? '()' : ''}`, node)
    },
    Program(node) {
      const isBarrel = node.body.every((statement) => statement.type.startsWith('Export') && isFrom(statement))
      if (isBarrel || node.body.some(({ type }) => type === 'ExportAllDeclaration')) add(constructs, 'a barrel', node)
    },
    ExportDefaultDeclaration: (node) => add(constructs, 'a default export', node),
    TSEnumDeclaration: (node) => add(constructs, 'an enum', node),
    TSModuleDeclaration: (node) => add(constructs, 'a namespace', node),
    TSAnyKeyword: (node) => add(constructs, 'any', node),
    TSNonNullExpression: (node) => add(constructs, 'a non-null assertion', node),
  }).visit(program)
  const statics = module.staticImports.map(({ moduleRequest, entries, start }) => ({
    name: moduleRequest.value,
    line: lineAt(start),
    typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
  }))
  const reexports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, start, isType }) =>
      moduleRequest === null ? [] : [{ name: moduleRequest.value, line: lineAt(start), typeOnly: isType }],
    ),
  )
  const dynamics = module.dynamicImports.map(({ moduleRequest, start }) => ({
    name: text.slice(moduleRequest.start + 1, moduleRequest.end - 1),
    line: lineAt(start),
    typeOnly: false,
  }))
  return {
    path,
    text,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: [...statics, ...reexports, ...dynamics],
    uses,
    wireNames,
    constructs,
    comments: comments.map(({ value, start }) => ({ name: value, line: lineAt(start) })),
  }
}

function isFrom(statement: object): boolean {
  return 'source' in statement && statement.source !== null
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [...text.matchAll(/\n/g)].map(({ index }) => index)
  return (offset) => 1 + starts.filter((at) => at < offset).length
}
