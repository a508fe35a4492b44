import { type DocumentNode, Kind, type OperationDefinitionNode, parse } from 'graphql/language'
import type { Effect } from '../../handler.ts'

/** Longer documents are not read: that takes time from every other job. */
const longest = { tokens: 10_000, characters: 250_000 }

/**
 * What a document does when it is sent twice: nothing when the operation it selects is a query. A mutation may do harm,
 * and so may what cannot be read or selects no single operation.
 */
export function effectOf(document: string, operationName: string | undefined): Effect {
  return selected(document, operationName)?.operation === 'query' ? 'none' : 'once'
}

function selected(document: string, operationName: string | undefined): OperationDefinitionNode | undefined {
  const all = read(document)?.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION) ?? []
  const fitting = operationName === undefined ? all : all.filter(({ name }) => name?.value === operationName)
  return fitting.length === 1 ? fitting[0] : undefined
}

function read(document: string): DocumentNode | undefined {
  if (document.length > longest.characters) return undefined
  try {
    return parse(document, { noLocation: true, maxLexicalTokens: longest.tokens })
  } catch {
    return undefined
  }
}
