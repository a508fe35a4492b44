import { expect, test } from 'bun:test'
import { claimEffect, createEffects } from '../../../src/services/sql/effects.ts'
import { startPostgres } from '../../support/postgres.ts'
import { never } from './databases-world.ts'
import { dial } from './dial-world.ts'

test('whoever finds the table missing a moment too late waits for no job under way, nor do later ones for it', async () => {
  await using server = await startPostgres()
  await using first = await dial(server.url)
  await createEffects(first, never)
  await first.control('BEGIN', never)
  await claimEffect(first, { tenantId: 't', assignmentId: 'under way' }, never)

  await using late = await dial(server.url)
  await late.control("SET lock_timeout = '2s'", never)
  await createEffects(late, never)
  await late.control('BEGIN', never)
  expect(await claimEffect(late, { tenantId: 't', assignmentId: 'later' }, never)).toMatchObject({ kind: 'ours' })
  await late.control('COMMIT', never)
  await first.control('COMMIT', never)
}, 60_000)
