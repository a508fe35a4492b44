import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { linesOf } from '../../src/cli/text-lines.ts'

const never = new AbortController().signal

async function read(chunks: readonly Uint8Array[], longest = 1000): Promise<readonly string[]> {
  const found: string[] = []
  for await (const line of linesOf(streamOf(chunks), { signal: never, longest })) {
    found.push(`${line.number}:${line.cut ? 'cut' : Buffer.from(line.bytes).toString()}`)
  }
  return found
}

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

test('lines are numbered from 1, blank ones counted but left out, the last one may lack its end', async () => {
  expect(await read([Buffer.from('one\n\n \t\r\nfour\nfive')])).toEqual(['1:one', '4:four', '5:five'])
})

test('a line that is too long is cut, and the next one is whole again', async () => {
  expect(await read([Buffer.from('12345'), Buffer.from('6789\nshort\n')], 8)).toEqual(['1:cut', '2:short'])
})

test('it does not matter where the chunks end', async () => {
  const text = fc.array(fc.constantFrom('a', 'é', '\n', ' ', '{"b":1}'), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(60), { maxLength: 8 }), async (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''))
      const at = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((one, other) => one - other), bytes.length]
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
      expect(await read(chunks)).toEqual(await read([bytes]))
    }),
  )
})

test('an abort ends the reading while it waits', async () => {
  const abort = new AbortController()
  const lines = linesOf(new ReadableStream({ pull: () => new Promise(() => undefined) }), {
    signal: abort.signal,
    longest: 10,
  })
  const waiting = lines.next()
  abort.abort()
  expect(await waiting).toEqual({ done: true, value: undefined })
})
