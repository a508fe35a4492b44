import { describe, expect, test } from 'bun:test'
import { listDeadLetters, showDeadLetter } from '../../src/cli/dlq-list.ts'
import { letter } from '../support/letters.ts'
import { MemoryDeadLetters } from '../support/memory-dead-letters.ts'
import { said } from '../support/said.ts'

const { signal } = new AbortController()

async function storeOf(...records: readonly ReturnType<typeof letter>[]): Promise<MemoryDeadLetters> {
  const store = new MemoryDeadLetters()
  for (const record of records) await store.write(record)
  return store
}

const usual = { filter: {}, limit: 1000, json: false, signal }

describe('list', () => {
  test('a line for each, newest first, with a heading for people only', async () => {
    const [one, other] = [letter({ timestamp: 0 }), letter({ reason: 'PUBLISH_ERROR', timestamp: 1 })]
    const store = await storeOf(one, other)
    store.marks.set(one.id, { state: 'done', at: '', by: '', n: 1 })
    const rows = [
      `${other.id}  1970-01-01T00:00:00.001Z  PUBLISH_ERROR   -         acme  echo  job-1  -`,
      `${one.id}  1970-01-01T00:00:00.000Z  MAX_DELIVERIES  replayed  acme  echo  job-1  -`,
    ]
    const [pipe, terminal] = [said(), said(true)]
    expect(await listDeadLetters({ ...usual, store, output: pipe })).toBe(0)
    expect(pipe.stdout).toEqual(rows)
    await listDeadLetters({ ...usual, store, output: terminal })
    expect(terminal.stdout).toEqual([expect.stringContaining('TENANT'), ...rows])
  })

  test('--json: heads with marks, and no contents', async () => {
    const record = letter()
    const store = await storeOf(record, letter({ reason: 'PARSE_ERROR' }))
    const mark = { state: 'begun', at: 'now', by: 'me', n: 1 } as const
    store.marks.set(record.id, mark)
    const output = said(true)
    await listDeadLetters({ ...usual, store, json: true, output })
    const { headers, assignment, ...head } = record
    expect(output.stdout.map((line) => JSON.parse(line))).toMatchObject([{ rejected: true }, { ...head, mark }])
    expect(output.stdout.join()).not.toContain('"assignment":')
  })

  test('not more than the limit, and says so', async () => {
    const store = await storeOf(letter(), letter(), letter())
    const output = said()
    await listDeadLetters({ ...usual, store, limit: 2, output })
    expect({ lines: output.stdout.length, stderr: output.stderr }).toEqual({
      lines: 2,
      stderr: ['There are more; --limit shows them.'],
    })
  })

  test('a row keeps to its line and leaves the terminal alone, whoever chose the names', async () => {
    const output = said()
    await listDeadLetters({ ...usual, output, store: await storeOf(letter({ tenantId: 'a\u202eb\u009b31m' })) })
    expect(output.stdout[0]).toContain('a\\u{202e}b\\u{9b}31m')
  })
})

describe('show', () => {
  test('all of it, as JSON for people or on one line', async () => {
    const record = letter({ assignment: { text: 'a\u009bb' } })
    const store = await storeOf(record)
    const [page, line] = [said(), said()]
    expect(await showDeadLetter(record.id, { store, json: false, output: page, signal })).toBe(0)
    expect(await showDeadLetter(record.id, { store, json: true, output: line, signal })).toBe(0)
    expect([page, line].map(({ stdout }) => JSON.parse(stdout.join('')))).toEqual([record, record])
    expect(page.stdout[0]?.split('\n').length).toBeGreaterThan(5)
    expect(page.stdout.join()).not.toContain('\u009b')
  })

  test('for people it is indented as usual', async () => {
    const record = letter({
      assignment: { none: {}, list: [], of: [1, { two: null }], 'a"b': 'c\n', deep: [[[[[1]]]]] },
    })
    const page = said()
    await showDeadLetter(record.id, { store: await storeOf(record), json: false, output: page, signal })
    expect(page.stdout.join('')).toBe(JSON.stringify(record, null, 2))
  })

  test('what is nested deep takes no more than it did, and is still the same', async () => {
    let deep: unknown = Array.from({ length: 50_000 }, () => 1)
    for (let n = 0; n < 900; n++) deep = n % 2 === 0 ? [deep] : { n, deep }
    const record = letter({ assignment: { deep } })
    const page = said()
    await showDeadLetter(record.id, { store: await storeOf(record), json: false, output: page, signal })
    const text = page.stdout.join('')
    expect(JSON.parse(text)).toEqual(record)
    expect(text.length).toBeLessThan(2 * JSON.stringify(record).length)
  })

  test('1 when there is none', async () => {
    const output = said()
    expect(await showDeadLetter('none', { store: await storeOf(), json: false, output, signal })).toBe(1)
    expect(output.stderr).toEqual(['beamline: there is no such dead letter in memory'])
  })
})
