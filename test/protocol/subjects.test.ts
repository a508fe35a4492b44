import { expect, test } from 'bun:test'
import { isSubject } from '../../src/protocol/subjects.ts'

test.each(['caf.exec.assign.v1', 'a', 'A_b-9.c'])('%p is a subject', (text) => {
  expect(isSubject(text)).toBe(true)
})

test.each(['', '.', 'a.', '.a', 'a..b', 'a.*', 'a.>', 'a b', 'a\r\nPUB x', 'é', 'a\n'])('%p is none', (text) => {
  expect(isSubject(text)).toBe(false)
})
