import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { openTestHttp } from './open-test-http.ts'

const openapi = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))) })

describe('the reference', () => {
  test('describes every route from its own schemas', async () => {
    await using http = await openTestHttp()
    const document = openapi.parse(await (await http.ask('/openapi/json')).json())
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' }, security: [{ bearer: [] }] })
    expect(Object.keys(document.paths)).toContainValues([
      '/health',
      '/metrics',
      '/openapi/json',
      '/v1/things/{id}',
      '/open/{name}',
    ])
    const things = document.paths['/v1/things/{id}']
    expect(things?.['post']).toMatchObject({
      summary: 'Makes a thing.',
      tags: ['Things'],
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
        { name: 'wait', in: 'query', required: false },
      ],
      requestBody: { content: { 'application/json': { schema: { type: 'object', required: ['count'] } } } },
      responses: {
        200: { description: 'The thing.', content: { 'application/json': { schema: { type: 'object' } } } },
        202: { description: 'Later.' },
        default: { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
      },
    })
    expect(things?.['post']).not.toHaveProperty('security')
    expect(things?.['get']).not.toHaveProperty('requestBody')
    expect(document.paths['/health']).toMatchObject({ get: { security: [] } })
    expect(document.paths['/v1/anything']).toMatchObject({
      post: { requestBody: { content: { 'application/json': { schema: { required: ['count'] } } } } },
    })
  })

  test('is a page that loads nothing from elsewhere', async () => {
    await using http = await openTestHttp()
    const response = await http.ask('/openapi')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')).toStartWith("default-src 'none'; style-src 'sha256-")
    const page = await response.text()
    expect(page).toContain('/v1/things/:id')
    expect(page).toContain('Shows &lt;a&gt; thing.')
    expect(page).not.toMatch(/<script|https?:|src=/)
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? ''
    const hash = new Bun.CryptoHasher('sha256').update(style).digest('base64')
    expect(response.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`)
  })
})
