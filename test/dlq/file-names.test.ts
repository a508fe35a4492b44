import { expect, test } from 'bun:test'
import { lockPath, marksPath, rejectedPath, rotatedPath, rotationTime } from '../../src/dlq/file-names.ts'

test.each([
  ['/a/worker-dlq.jsonl', '/a/worker-dlq.rejected.jsonl', '/a/worker-dlq.replays.jsonl', '/a/worker-dlq.lock'],
  ['/a.b/dlq', '/a.b/dlq.rejected', '/a.b/dlq.replays', '/a.b/dlq.lock'],
  ['dlq.v1.lock', 'dlq.v1.rejected.lock', 'dlq.v1.replays.lock', 'dlq.v1.locked'],
])('beside %p stands %p', (path, rejected, marks, lock) => {
  expect([rejectedPath(path), marksPath(path), lockPath(path)]).toEqual([rejected, marks, lock])
})

test('what is put aside is called by its time, later than what was put aside before', () => {
  const time = Date.parse('2026-11-03T12:05:01.123Z')
  expect(rotatedPath('/a/d.jsonl', time, 0)).toBe('/a/d.jsonl.20261103T120501123Z')
  expect(rotatedPath('/a/d.jsonl', time, time)).toBe('/a/d.jsonl.20261103T120501124Z')
  expect(rotationTime('d.jsonl', 'd.jsonl.20261103T120501123Z')).toBe(time)
  for (const name of ['d.jsonl', 'd.jsonl.20261103', 'd.jsonl.20261303T120501123Z', 'e.jsonl.20261103T120501123Z']) {
    expect(rotationTime('d.jsonl', name)).toBeUndefined()
  }
})
