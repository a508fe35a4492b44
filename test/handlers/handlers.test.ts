import { afterAll, expect, test } from 'bun:test'
import { handlersOf } from '../../src/handlers/index.ts'
import { handlerContract } from '../contract/handler.contract.ts'
import { openHttpWorld, openSite } from './http/http-world.ts'

const world = await openHttpWorld()
const site = openSite(({ path }) =>
  path === '/hang' ? new Promise<Response>(() => undefined) : Response.json({ data: { viewer: null } }),
)
const handlers = handlersOf(world.services)

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

handlerContract(handlers, {
  runnable: { http: { url: site.url }, graphql: { url: site.url, query: '{ viewer { name } }' } },
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
  },
  lenient: { javascript: ['args'], jmespath: ['data'] },
})

test('the list holds every job type', () => {
  expect(handlers.map(({ type }) => type)).toEqual(['echo', 'graphql', 'http', 'javascript', 'jmespath', 'sleep'])
})
