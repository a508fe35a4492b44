import { expect, test } from 'bun:test'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDeadLetters, rejectedPath } from '../../src/dlq/file-dead-letters.ts'
import { ConfigError } from '../../src/errors.ts'
import { noMask } from '../../src/lib/secret-mask.ts'
import { type DeadLetterReason, deadLetter } from '../../src/protocol/dead-letter.ts'

function letter(reason: DeadLetterReason): ReturnType<typeof deadLetter> {
  return deadLetter({
    id: `01ARZ3NDEKTSV4RRFFQ69G5FAV`,
    timestamp: 0,
    reason,
    workerId: 'worker-1',
    subject: 'caf.exec.assign.v1',
    body: new Uint8Array([1]),
    headers: {},
    form: 'bare',
    mask: noMask,
  })
}

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'beamline-dlq-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

test.each([
  ['/a/worker-dlq.jsonl', '/a/worker-dlq.rejected.jsonl'],
  ['/a.b/dlq', '/a.b/dlq.rejected'],
  ['dlq.v1.jsonl', 'dlq.v1.rejected.jsonl'],
])('beside %p stands %p', (path, rejected) => {
  expect(rejectedPath(path)).toBe(rejected)
})

test('what callers did wrong is kept apart', async () => {
  await using home = await folder()
  const path = join(home.path, 'dlq.jsonl')
  const failed = letter('MAX_DELIVERIES')
  const nonsense = letter('PARSE_ERROR')
  {
    await using letters = await openDeadLetters({ path })
    await letters.write(failed)
    await letters.write(nonsense)
  }
  const read = async (at: string): Promise<unknown> => JSON.parse(await readFile(at, 'utf8'))
  expect(await read(path)).toEqual(JSON.parse(JSON.stringify(failed)))
  expect(await read(rejectedPath(path))).toEqual(JSON.parse(JSON.stringify(nonsense)))
})

test('a path that cannot be written is a wrong setting', async () => {
  await using home = await folder()
  const path = join(home.path, 'dlq.jsonl')
  await mkdir(rejectedPath(path))
  const refusal: unknown = await openDeadLetters({ path }).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(ConfigError)
  expect(refusal).toMatchObject({ problems: [expect.stringMatching(/^DLQ_PATH: .*dlq\.rejected\.jsonl/)] })
})
