/** What a real server never answers, but one that a job names may. */
import { describe, expect, test } from 'bun:test'
import type { Connection } from '../../../src/services/sql/connection.ts'
import { lookUpTypes } from '../../../src/services/sql/type-lookup.ts'

type Row = readonly (string | null)[]

function answering(rows: readonly Row[]): Connection {
  const reply = { command: 'SELECT', affected: rows.length, columns: [], rows, bytes: 0 }
  return {
    isSound: true,
    quick: undefined,
    control: async () => [reply],
    statement: async () => reply,
    discard() {},
    async [Symbol.asyncDispose]() {},
  }
}

describe('an answer that makes no sense', () => {
  test.each<readonly [what: string, rows: readonly Row[]]>([
    ['is empty', []],
    ['has rows without values', [[], [null, null]]],
    ['has a domain over itself', [['90000', 'a', 'b', '90000', null, null]]],
    ['has an array of itself', [['90000', 'a', 'b', '0', '90000', ',']]],
    [
      'goes in a circle',
      [
        ['90000', 'a', 'b', '90001', null, null],
        ['90001', 'a', 'c', '0', '90000', ''],
      ],
    ],
    ['is no number', [['90000', 'a', 'b', 'x', 'y', 'z']]],
  ])('%s', async (_, rows) => {
    const found = await lookUpTypes([90_000], answering(rows), new AbortController().signal)
    expect(found.size).toBeLessThanOrEqual(1)
    expect(JSON.stringify([...found]).length).toBeLessThan(10_000)
  })
})
