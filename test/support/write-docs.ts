/** Writes the generated pages of the documentation: `bun test/support/write-docs.ts`. Tests fail when one is stale. */
import { configurationPage } from '../../src/config/page.ts'
import { handlersPage } from './handlers-page.ts'
import { openOwnHandlers } from './own-handlers.ts'

await using own = await openOwnHandlers()

await Bun.write(new URL('../../docs/configuration.md', import.meta.url), configurationPage())
await Bun.write(new URL('../../docs/handlers.md', import.meta.url), handlersPage(own.handlers))
