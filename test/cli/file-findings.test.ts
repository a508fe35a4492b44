import { afterAll, expect, test } from 'bun:test'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { deadLetterFindings } from '../../src/cli/file-findings.ts'

// Not the temporary folder, which may be in memory.
const cache = resolve(import.meta.dir, '../../.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, 'file-findings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const only = async (path: string, emptied?: readonly string[]) => (await deadLetterFindings(path, emptied))[0]

test('a folder that can be written is ok, also when it is still to be made; nothing is left behind', async () => {
  expect(await only(join(folder, 'dlq.jsonl'), [])).toMatchObject({ status: 'ok', name: 'dead_letters' })
  expect(await only(join(folder, 'new/er/dlq.jsonl'), [])).toMatchObject({ status: 'ok' })
  expect(readdirSync(folder)).toEqual([])
})

test('a path through a file, a link and a folder in its place cannot be written', async () => {
  writeFileSync(join(folder, 'file'), '')
  symlinkSync('/dev/null', join(folder, 'link.jsonl'))
  for (const path of [join(folder, 'file/dlq.jsonl'), join(folder, 'link.jsonl'), folder]) {
    const finding = await only(path)
    expect(finding?.status).toBe('fail')
    expect(finding?.explanation).toContain('cannot be written')
    expect(finding?.explanation).toContain('DLQ_PATH')
  }
})

test.if(process.getuid?.() === 0)('a file of somebody else: both users are named, and who should call', async () => {
  const path = join(folder, 'theirs.jsonl')
  writeFileSync(path, '')
  chownSync(path, 65_534, 65_534)
  expect(await only(path)).toEqual({
    status: 'fail',
    name: 'dead_letters',
    explanation:
      `cannot be written: ${path} belongs to somebody else: user 65534, and this runs as user 0; ` +
      'call this as the user that the worker has; if it is this one, make it the owner (chown), or set DLQ_PATH to another file',
  })
})

test.if(process.platform === 'linux')('folders that are emptied and memory do not last', async () => {
  expect(await only(join(folder, 'in/it/dlq.jsonl'), [folder])).toMatchObject({ status: 'warn' })
  const memory = await only('/dev/shm/dlq.jsonl')
  expect(memory?.status).toBe('warn')
  expect(memory?.explanation).toContain('temporary file system')
})
