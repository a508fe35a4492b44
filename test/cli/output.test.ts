import { expect, test } from 'bun:test'
import { openOutput, type Sink } from '../../src/cli/output.ts'
import { FakeClock } from '../support/fake-clock.ts'

function open(stderrColumns: number | undefined, stdoutIsTerminal = false) {
  const said: string[] = []
  const sink = (isTTY: boolean, columns?: number): Sink => ({
    isTTY,
    columns,
    write(text, taken) {
      said.push(text.replaceAll('\r\u001b[K', '^'))
      taken()
      return true
    },
  })
  const clock = new FakeClock()
  const stderr = sink(stderrColumns !== undefined, stderrColumns)
  const output = openOutput({ stdout: sink(stdoutIsTerminal), stderr, clock, onBroken: () => undefined })
  return { said, clock, output }
}

test('progress is shown ten times a second at most, the newest of it, and removed at once', async () => {
  const { said, clock, output } = open(80)
  for (let at = 0; at < 1000; at++) {
    output.progress(`${at} done`)
    await clock.advance(1)
  }
  expect(said.length).toBe(11)
  expect(said.slice(0, 2)).toEqual(['^0 done', '^99 done'])
  output.progress('last')
  await clock.advance(100)
  expect(said.at(-1)).toBe('^last')
  output.progress('unseen')
  output.progress('')
  await clock.advance(1000)
  expect(said.slice(-2)).toEqual(['^last', '^'])
  expect(clock.pending).toBe(0)
})

test('progress is cut to the terminal, and stays below what is said beside it', () => {
  const { said, output } = open(10)
  output.progress('0123456789 and more')
  output.complain('line 1: wrong')
  expect(said).toEqual(['^012345678', '^line 1: wrong\n012345678'])
})

test('where the results go to the same terminal, they take the place of the progress, which comes again', async () => {
  const { said, clock, output } = open(80, true)
  output.progress('1 done')
  await output.print('result')
  output.complain('a word')
  await clock.advance(100)
  expect(said).toEqual(['^1 done', '^', 'result\n', 'a word\n', '^1 done'])
})

test('no terminal, no progress', async () => {
  const { said, output } = open(undefined)
  output.progress('1 done')
  output.progress('')
  expect(said).toEqual([])
})
