import { expect, test } from 'bun:test'
import { beginText, endsTransaction } from '../../../src/services/sql/transaction.ts'

const set = (ms: number) =>
  `SET LOCAL statement_timeout=${ms}; SET LOCAL lock_timeout=${ms}; SET LOCAL idle_in_transaction_session_timeout=${ms}`

test('begins with the limits that are left', () => {
  expect(beginText({ readOnly: false }, 1000)).toBe(`BEGIN; ${set(1250)}`)
  expect(beginText({ readOnly: false }, 0.2)).toBe(`BEGIN; ${set(251)}`)
  expect(beginText({ readOnly: false }, -5)).toBe(`BEGIN; ${set(250)}`)
  expect(beginText({ readOnly: false }, Number.POSITIVE_INFINITY)).toBe(`BEGIN; ${set(2_147_483_647)}`)
})

test('says its isolation only when it is asked for, and looks at the database when it only reads', () => {
  const serializable = beginText({ isolation: 'serializable', readOnly: true }, 0)
  expect(serializable).toBe(`BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; ${set(250)}; SELECT`)
  expect(beginText({ isolation: 'repeatable_read', readOnly: false }, 0)).toStartWith(
    'BEGIN ISOLATION LEVEL REPEATABLE READ; ',
  )
})

test.each<[command: string, ends: boolean]>([
  ...(['BEGIN', 'START TRANSACTION', 'COMMIT', 'ROLLBACK', 'PREPARE TRANSACTION', 'SAVEPOINT', 'RELEASE'] as const).map(
    (command): [string, boolean] => [command, true],
  ),
  ...(['SELECT', 'INSERT', 'SET', 'DO', 'CALL', 'CREATE', ''] as const).map((command): [string, boolean] => [
    command,
    false,
  ]),
])('%j ends a transaction: %j', (command, ends) => {
  expect(endsTransaction({ command, affected: 0, columns: [], rows: [], bytes: 0 })).toBe(ends)
})
