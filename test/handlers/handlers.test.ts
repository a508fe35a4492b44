import { afterAll, expect, test } from 'bun:test'
import { handlersOf } from '../../src/handlers/index.ts'
import { handlerContract } from '../contract/handler.contract.ts'
import { startPostgres } from '../support/postgres.ts'
import { openHttpWorld, openSite } from './http/http-world.ts'

const world = await openHttpWorld()
const postgres = await startPostgres()
const site = openSite(({ path }) =>
  path === '/hang' ? new Promise<Response>(() => undefined) : Response.json({ data: { viewer: null } }),
)
const handlers = handlersOf(world.services)
const large = 'x'.repeat(15_000_000)
for (const [path, content] of [
  ['stored.txt', 'hello'],
  ['large.txt', large],
] as const) {
  const options = { overwrite: true, signal: new AbortController().signal }
  await world.services.blobs.put('contract', path, Buffer.from(content), options)
}

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

handlerContract(handlers, {
  runnable: {
    http: { url: site.url },
    graphql: { url: site.url, query: '{ viewer { name } }' },
    sql: { query: 'select $1::int + 1 as n', args: [41], connection_string: postgres.url },
    fs_blob_get: { path: 'stored.txt' },
    fs_blob_stat: { path: 'stored.txt' },
  },
  slow: {
    sleep: { ms: 60_000 },
    javascript: { code: 'for (;;);' },
    // Compares everything with everything.
    jmespath: {
      expression: 'length([?length($[?@ == `-1`]) == `1`])',
      data: Array.from({ length: 100_000 }, (_, n) => n),
    },
    http: { url: `${site.url}/hang`, method: 'POST', body: 'x' },
    graphql: { url: `${site.url}/hang`, query: 'mutation { a }' },
    sql: { query: 'select pg_sleep(60)', connection_string: postgres.url },
    fs_blob_get: { path: 'large.txt', verify: true },
    fs_blob_put: { path: 'put.txt', content: large },
  },
  lenient: { javascript: ['args'], jmespath: ['data'] },
})

test('the list holds every job type', () => {
  expect(handlers.map(({ type }) => type)).toEqual([
    'echo',
    'fs_blob_delete',
    'fs_blob_get',
    'fs_blob_list',
    'fs_blob_put',
    'fs_blob_stat',
    'graphql',
    'http',
    'human_approval',
    'javascript',
    'jmespath',
    'sleep',
    'sql',
  ])
})
