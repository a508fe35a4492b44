/** Serves the reference of all routes, itself included. */
import { Elysia } from 'elysia'
import { type ApiInfo, answer, openapiDocument, operations } from './openapi.ts'
import { openapiPage, pagePolicy } from './openapi-page.ts'
import type { Route } from './route-table.ts'

/** The routes: `/openapi` for people, `/openapi/json` for programs. `routes` is asked at the first request. */
export function openapiRoutes(info: ApiInfo, routes: () => readonly Route[]) {
  const detail = (summary: string, description: string) => ({
    summary,
    tags: ['Reference'],
    responses: { 200: answer(description) },
  })
  return new Elysia({ name: 'openapi' })
    .get(
      '/openapi',
      () =>
        new Response(openapiPage(info, operations(routes())), {
          headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy },
        }),
      { detail: detail('This reference.', 'A page.') },
    )
    .get('/openapi/json', () => openapiDocument(info, operations(routes())), {
      detail: detail('This reference for programs.', 'An OpenAPI 3.1 document.'),
    })
}
