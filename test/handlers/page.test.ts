import { expect, test } from 'bun:test'
import { handlersPage } from '../support/handlers-page.ts'
import { openOwnHandlers } from '../support/own-handlers.ts'

test('docs/handlers.md is what the handlers say; `bun run docs` writes it anew', async () => {
  await using own = await openOwnHandlers()
  const page = Bun.file(new URL('../../docs/handlers.md', import.meta.url))
  expect(await page.text()).toBe(handlersPage(own.handlers))
})
