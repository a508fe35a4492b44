import { expect, test } from 'bun:test'
import { handlers } from '../../src/handlers/index.ts'
import { handlersPage } from '../support/handlers-page.ts'

test('docs/handlers.md is what the handlers say; `bun run docs` writes it anew', async () => {
  const page = Bun.file(new URL('../../docs/handlers.md', import.meta.url))
  expect(await page.text()).toBe(handlersPage(handlers))
})
