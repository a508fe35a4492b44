import { expect, test } from 'bun:test'
import { readJobs } from '../../src/cli/job-lines.ts'

async function read(text: string): Promise<readonly unknown[]> {
  const jobs: unknown[] = []
  const stream = new Blob([text]).stream()
  for await (const job of readJobs(stream, new AbortController().signal)) {
    jobs.push('problem' in job ? `${job.where}: ${job.problem}` : [job.where, job.value])
  }
  return jobs
}

test('JSON lines', async () => {
  expect(await read('{"a":1}\n\n{"a":2}\n')).toEqual([
    ['line 1', { a: 1 }],
    ['line 3', { a: 2 }],
  ])
})

test('an array in one line, or over several', async () => {
  const elements = [1, 2].map((a) => ({ where: `element ${a}`, value: { a } }))
  expect(await read('[{"a":1},\n {"a":2}\n]\n')).toEqual(elements.map(({ where, value }) => [where, value]))
  expect(await read('[{"a":1},{"a":2}]')).toEqual(elements.map(({ where, value }) => [`line 1, ${where}`, value]))
})

test('one object over several lines', async () => {
  expect(await read('\n{\n  "a": {\n    "b": 1\n  }\n}\n')).toEqual([['line 1', { a: { b: 1 } }]])
})

test('nothing', async () => {
  expect(await read('')).toEqual([])
  expect(await read('\n \n')).toEqual([])
})

test('lines that are no JSON are named, wherever they stand, and the others are read', async () => {
  expect(await read('{"a":1\n{"a":2}\noops\n{"a":3}')).toEqual([
    'line 1: this is no JSON',
    ['line 2', { a: 2 }],
    'line 3: this is no JSON',
    ['line 4', { a: 3 }],
  ])
  expect(await read('{"a":1\n{"a":2\n{"a":3}')).toEqual([
    'line 1: this is no JSON',
    'line 2: this is no JSON',
    ['line 3', { a: 3 }],
  ])
})

test('an array that is no JSON is one problem', async () => {
  expect(await read('[{"a":1},\n{"a":2}')).toEqual(['line 1: this array is no JSON'])
})

test('bytes that are no UTF-8 are no JSON; a byte order mark is none of the text', async () => {
  const bytes = new Blob([new Uint8Array([0x22, 0xff, 0x22, 0x0a]), '\ufeff1'])
  const jobs: unknown[] = []
  for await (const job of readJobs(bytes.stream(), new AbortController().signal)) jobs.push(job)
  expect(jobs).toEqual([
    { where: 'line 1', problem: 'this is no JSON' },
    { where: 'line 2', value: 1 },
  ])
})
