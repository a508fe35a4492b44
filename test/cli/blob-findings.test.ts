import { afterAll, expect, test } from 'bun:test'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { blobFindings } from '../../src/cli/blob-findings.ts'
import { loadConfig } from '../../src/config/load.ts'

// Not the temporary folder, which may be in memory.
const cache = resolve(import.meta.dir, '../../.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, 'blob-findings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const only = async (baseDir: string, env = {}, emptied: readonly string[] = []) =>
  (await blobFindings(loadConfig({ FS_BASE_DIR: baseDir, ...env }).blobs, emptied))[0]

test('a folder that can be written is ok, also when it is still to be made; nothing is left behind', async () => {
  const finding = await only(join(folder, 'new/er'))
  expect(finding).toMatchObject({ status: 'ok', name: 'blobs' })
  expect(finding?.explanation).toMatch(/can be stored in .*new\/er, where \d+ [KMGT]?B are free$/)
  expect(readdirSync(folder)).toEqual([])
  expect(await only(folder)).toMatchObject({ status: 'ok' })
  expect(readdirSync(folder)).toEqual([])
})

test('a file in its place, and a link that leads nowhere, are no folder', async () => {
  writeFileSync(join(folder, 'file'), '')
  symlinkSync('nowhere', join(folder, 'dangling'))
  for (const name of ['file', 'file/in', 'dangling']) {
    const finding = await only(join(folder, name))
    expect(finding).toMatchObject({ status: 'fail', name: 'blobs' })
    expect(finding?.explanation).toContain('FS_BASE_DIR')
  }
})

test('folders that are emptied, and too little room, are doubtful', async () => {
  const emptied = await only(join(folder, 'in/it'), {}, [folder])
  expect(emptied).toMatchObject({ status: 'warn' })
  expect(emptied?.explanation).toContain('systems empty')
  const large = await only(folder, { FS_MAX_TOTAL_BYTES: '900TB' })
  expect(large).toMatchObject({ status: 'warn' })
  expect(large?.explanation).toContain('settings allow for 900 TB')
})

test.if(process.getuid?.() === 0)('so is a folder of somebody else', async () => {
  mkdirSync(join(folder, 'theirs'))
  chownSync(join(folder, 'theirs'), 12_345, 12_345)
  const finding = await only(join(folder, 'theirs'))
  expect(finding).toMatchObject({ status: 'warn' })
  expect(finding?.explanation).toContain('somebody else')
})
