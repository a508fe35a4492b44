/** Jobs as people write them: JSON lines, a JSON array, or one object. Lines are read as they come, never all at once. */
import { parseJson } from '../protocol/json.ts'
import { linesOf, type TextLine } from './text-lines.ts'

/** One thing that was written, or why it cannot be read. */
export type WrittenJob =
  | { readonly where: string; readonly value: unknown }
  | { readonly where: string; readonly problem: string }

/** What is read whole when the first line is no JSON by itself: an array or an object over several lines, in bytes. */
const wholeLimit = 64 * 1024 * 1024

/**
 * Reads jobs until the stream ends or the signal aborts. A line that holds an array is read as its elements. A text
 * that begins with an incomplete line is one JSON value when it is that as a whole, else it is lines, some of them wrong.
 */
export async function* readJobs(stream: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<WrittenJob> {
  const lines = linesOf(stream, { signal, longest: wholeLimit })
  const head = await lines.next()
  if (head.done === true) return
  const first = head.value
  if (!mayBegin(first)) {
    yield* jobsOf(first)
    for await (const line of lines) yield* jobsOf(line)
    return
  }
  const { read, complete } = await readWhole(first, lines)
  const whole = complete ? parsed(joined(read)) : undefined
  if (whole !== undefined) {
    yield* elements(whole.value, '')
    return
  }
  if (text(first).startsWith('[')) {
    const problem = complete ? 'this array is no JSON' : 'an array this large must be written one job a line'
    yield { where: `line ${first.number}`, problem }
    return
  }
  for (const line of read) yield* jobsOf(line)
  for await (const line of lines) yield* jobsOf(line)
}

/** Whether a line may be the beginning of a value that goes on in the next one. */
function mayBegin(line: TextLine): boolean {
  return /^[[{]/.test(text(line)) && parsed(line.bytes) === undefined
}

/** Reads on until the end, until it is too much, or until the second line shows that each stands for itself. */
async function readWhole(
  first: TextLine,
  lines: AsyncIterator<TextLine>,
): Promise<{ readonly read: readonly TextLine[]; readonly complete: boolean }> {
  const read = [first]
  let size = first.bytes.length
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    read.push(next.value)
    size += next.value.bytes.length
    const ownObject = read.length === 2 && text(first).startsWith('{') && parsed(next.value.bytes) !== undefined
    if (size > wholeLimit || ownObject) return { read, complete: false }
  }
  return { read, complete: true }
}

function* jobsOf(line: TextLine): Generator<WrittenJob> {
  const where = `line ${line.number}`
  if (line.cut) yield { where, problem: 'the line is too long' }
  else {
    const read = parsed(line.bytes)
    if (read === undefined) yield { where, problem: 'this is no JSON' }
    else yield* elements(read.value, where)
  }
}

function* elements(value: unknown, where: string): Generator<WrittenJob> {
  if (!Array.isArray(value)) {
    yield { where: where || 'line 1', value }
    return
  }
  // Array.isArray makes any[] of unknown.
  for (const [at, element] of (value as unknown[]).entries()) {
    yield { where: [where, `element ${at + 1}`].filter((part) => part !== '').join(', '), value: element }
  }
}

function parsed(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: parseJson(bytes) }
  } catch {
    return undefined
  }
}

function joined(lines: readonly TextLine[]): Uint8Array {
  return Buffer.concat(lines.flatMap(({ bytes }) => [bytes, newline]))
}

const newline = Buffer.from('\n')

/** Its beginning is enough to see what it is. */
function text({ bytes }: TextLine): string {
  return new TextDecoder().decode(bytes.subarray(0, 64)).trimStart()
}
