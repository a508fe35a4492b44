/** The reference of the API, made from the routes themselves: their zod schemas and their `detail`. Pure. */
import { z } from 'zod'
import { type BodyDoc, isOpen, type ResponseDoc, type Route } from './route-table.ts'

/** A JSON object of the document. */
export type Json = Readonly<Record<string, unknown>>

/** What the document is about. */
export interface ApiInfo {
  readonly title: string
  readonly version: string
  readonly description: string
}

/** One route in the document. */
export interface Operation {
  readonly method: string
  readonly path: string
  readonly open: boolean
  readonly summary: string
  readonly description: string
  readonly tag: string
  readonly parameters: readonly Parameter[]
  readonly requestBody: Json | undefined
  readonly responses: Readonly<Record<string, ResponseDoc>>
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: Json
}

/** Describes one answer of a route, for `detail.responses`. */
export function answer(description: string, schema?: z.ZodType): ResponseDoc {
  return schema === undefined
    ? { description }
    : { description, content: { 'application/json': { schema: jsonSchema(schema, 'output') } } }
}

/** Describes the body of a route that reads it without a schema of its own, for `detail.requestBody`. */
export function jsonBody(schema: z.ZodType): BodyDoc {
  return { content: { 'application/json': { schema: jsonSchema(schema, 'input') } } }
}

/** The routes as operations, in the order of their paths; those with `detail.hide` are left out. */
export function operations(routes: readonly Route[]): readonly Operation[] {
  return routes
    .filter((route) => route.hooks.detail?.hide !== true)
    .map(operation)
    .sort((a, b) => Number(b.open) - Number(a.open) || a.path.localeCompare(b.path))
}

/** The OpenAPI 3.1 document of some operations. */
export function openapiDocument(info: ApiInfo, list: readonly Operation[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const one of list) {
    const path = one.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: operationObject(one) }
  }
  return {
    openapi: '3.1.0',
    info,
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: problemSchema },
    },
  }
}

const problemSchema = {
  type: 'object',
  description: 'A problem document (RFC 9457).',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
  },
} as const

const problemAnswer = {
  description: 'What went wrong.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
} as const

function operation(route: Route): Operation {
  const { body, params, query } = route.hooks
  const detail = route.hooks.detail ?? {}
  return {
    method: route.method,
    path: route.path,
    open: isOpen(route),
    summary: detail.summary ?? '',
    description: detail.description ?? '',
    tag: detail.tags?.[0] ?? 'API',
    parameters: [...pathParameters(route.path, params), ...queryParameters(query)],
    requestBody: body instanceof z.ZodType ? jsonSchema(body, 'input') : bodySchema(detail.requestBody),
    responses: detail.responses ?? { 200: { description: 'Done.' } },
  }
}

function bodySchema(body: BodyDoc | undefined): Json | undefined {
  return body?.content['application/json'].schema
}

function operationObject(one: Operation): Json {
  return {
    summary: one.summary,
    ...(one.description !== '' && { description: one.description }),
    tags: [one.tag],
    ...(one.open && { security: [] }),
    ...(one.parameters.length > 0 && { parameters: one.parameters }),
    ...(one.requestBody && {
      requestBody: { required: true, content: { 'application/json': { schema: one.requestBody } } },
    }),
    responses: { ...one.responses, default: problemAnswer },
  }
}

function pathParameters(path: string, params: unknown): readonly Parameter[] {
  const known = properties(params)
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: known.get(name) ?? { type: 'string' },
  }))
}

function queryParameters(query: unknown): readonly Parameter[] {
  return [...properties(query)].map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}

function properties(schema: unknown): ReadonlyMap<string, Json> {
  if (!(schema instanceof z.ZodObject)) return new Map()
  const fields: Record<string, z.ZodType> = schema.shape
  return new Map(Object.entries(fields).map(([name, field]) => [name, jsonSchema(field, 'input')]))
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
