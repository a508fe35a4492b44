import { expect, test } from 'bun:test'
import { handlers } from '../../src/handlers/index.ts'
import { handlerContract } from '../contract/handler.contract.ts'

handlerContract(handlers, { sleep: { ms: 60_000 } })

test('the list is not empty', () => {
  expect(handlers.map(({ type }) => type)).toContain('echo')
})
