/** Jobs on files that ask for more than there may be. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type BlobRig, startBlobRig } from './blob-rig.ts'

let blobs: BlobRig

beforeAll(async () => {
  blobs = await startBlobRig({ FS_MAX_BLOB_BYTES: '20MB' })
})

afterAll(() => blobs[Symbol.asyncDispose]())

const long = 'a\u0300\u0316'.repeat(30_000)

test.each([
  ['fs_blob_put', { path: long, content: '' }, 'path'],
  ['fs_blob_put', { path: 'a', from: `fs:${long}` }, 'from'],
  ['fs_blob_get', { path: long }, 'path'],
  ['fs_blob_stat', { path: long }, 'path'],
  ['fs_blob_delete', { path: long }, 'path'],
  ['fs_blob_list', { prefix: long }, 'prefix'],
  ['http', { url: 'http://127.0.0.1:1/', save_to: long }, 'save_to.path'],
])('%s: a long path is refused', async (type, payload, field) => {
  expect(await blobs.result(type, payload)).toMatchObject({
    error_code: 'INVALID_INPUT',
    error_details: { fields: [{ field }] },
  })
})

test('a long payload_ref is refused', async () => {
  const result = await blobs.result('echo', undefined, { job: { payload_ref: `fs:${long}` } })
  expect(result).toMatchObject({ error_code: 'INVALID_PATH', error_details: { reason: 'too_long' } })
})

describe('what cannot be answered is not read', () => {
  const limit = 1024 * 1024

  test.each([
    [{}, 800_000, 1_066_668],
    [{ encoding: 'text' }, limit + 1, limit + 1],
    [{ verify: true }, 800_000, 1_066_668],
    [{ encoding: 'json' }, 8 * limit + 1, 8 * limit + 1],
  ])('%j', async (more, size, bytes) => {
    const path = `large/${size}`
    // Neither UTF-8 nor JSON: who reads it says so.
    await Bun.write(`${blobs.rig.config.blobs.baseDir}/${path}`, new Uint8Array(size).fill(0xff))
    const result = await blobs.result('fs_blob_get', { path, ...more })
    expect(result).toMatchObject({ error_code: 'OUTPUT_TOO_LARGE', error_details: { bytes, limit } })
  })

  test('but a part that fits is, and JSON that may become shorter', async () => {
    await Bun.write(`${blobs.rig.config.blobs.baseDir}/large/json`, `${' '.repeat(2 * limit)}{"a":1}`)
    const asked = { path: 'large/json', encoding: 'json' }
    expect(await blobs.output('fs_blob_get', asked)).toMatchObject({ json: { a: 1 } })
    const range = { start: 0, end: 3 }
    expect(await blobs.output('fs_blob_get', { path: 'large/json', range })).toMatchObject({ bytes: 'ICAg' })
  })

  test('verified or not, what is longer than blobs may be is refused', async () => {
    await Bun.write(`${blobs.rig.config.blobs.baseDir}/large/blob`, new Uint8Array(20_000_001))
    for (const verify of [true, false]) {
      const result = await blobs.result('fs_blob_get', { path: 'large/blob', verify })
      expect(result).toMatchObject({ error_code: 'QUOTA_EXCEEDED', error_details: { reason: 'blob' } })
    }
  })
})

test.each([
  [JSON.parse('{"__proto__":"x"}'), 'metadata'],
  [{ a: '\ud800' }, 'metadata.a'],
  [{ '\udc00': 'a' }, 'metadata.\udc00'],
])('metadata %j is refused', async (metadata, field) => {
  const result = await blobs.result('fs_blob_put', { path: 'm', content: '', metadata })
  expect(result).toMatchObject({ error_code: 'INVALID_INPUT' })
  expect(JSON.stringify(result['error_details'])).toContain(field.split('.')[0] ?? '')
})
