/** What jobs on files take and give. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { type BlobRig, startBlobRig } from './blob-rig.ts'

let blobs: BlobRig

beforeAll(async () => {
  blobs = await startBlobRig()
})

afterAll(() => blobs[Symbol.asyncDispose]())

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

function failed(error_code: string, error_details?: unknown) {
  return { status: 'error', error_code, retryable: false, ...(error_details === undefined ? {} : { error_details }) }
}

describe('put', () => {
  test('stores a text, and says what it is', async () => {
    const first = await blobs.output('fs_blob_put', { path: 'put/a.txt', content: 'häßlich' })
    const facts = { path: 'put/a.txt', size: 9, size_bytes: 9, sha256: sha256('häßlich') }
    expect(first).toEqual({ ...facts, created: true })
    expect(await blobs.output('fs.put', { path: 'put/a.txt', content: 'häßlich' })).toEqual({
      ...facts,
      created: false,
    })
    expect(await blobs.text('put/a.txt')).toBe('häßlich')
  })

  test('stores bytes, and nothing at all', async () => {
    const bytes = Buffer.from([0, 255, 10, 13])
    await blobs.output('fs.blob_put', { path: 'put/b', bytes: bytes.toString('base64') })
    expect(await blobs.output('fs_blob_get', { path: 'put/b' })).toMatchObject({ bytes: 'AP8KDQ==', size: 4 })
    expect(await blobs.output('fs_blob_put', { path: 'put/empty', bytes: '' })).toMatchObject({ size: 0 })
    expect(await blobs.output('fs_blob_put', { path: 'put/empty', content: '', bytes: null })).toMatchObject({
      size: 0,
    })
    expect(await blobs.output('fs_blob_get', { path: 'put/empty' })).toMatchObject({ bytes: '', size: 0 })
  })

  test('copies another blob, with its type and metadata unless others are given', async () => {
    const about = { content_type: 'text/plain', metadata: { by: 'me' } }
    await blobs.output('fs_blob_put', { path: 'put/source', content: 'x'.repeat(300_000), ...about })
    const copy = await blobs.output('fs_blob_put', { path: 'put/copy', from: 'fs:put/source' })
    expect(copy).toMatchObject({ size: 300_000, sha256: sha256('x'.repeat(300_000)) })
    expect(await blobs.output('fs_blob_stat', { path: 'put/copy' })).toMatchObject(about)
    await blobs.output('fs_blob_put', { path: 'put/copy', from: 'fs:put/source', metadata: { by: 'you' } })
    expect(await blobs.output('fs_blob_stat', { path: 'put/copy' })).toMatchObject({
      ...about,
      metadata: { by: 'you' },
    })
    await blobs.output('fs_blob_put', { path: 'put/source', from: 'fs:put/source' })
    expect(await blobs.text('put/source')).toBe('x'.repeat(300_000))
    expect(await blobs.result('fs_blob_put', { path: 'put/copy', from: 'fs:put/none' })).toMatchObject(
      failed('FILE_NOT_FOUND', { field: 'from' }),
    )
  })

  test('may be told not to overwrite', async () => {
    await blobs.put('put/once', 'first')
    const again = { path: 'put/once', content: 'first', overwrite: false }
    expect(await blobs.result('fs_blob_put', again)).toMatchObject(failed('FILE_EXISTS'))
    expect(await blobs.output('fs_blob_put', { ...again, path: 'put/twice' })).toMatchObject({ created: true })
  })

  test('may be bound to what is there', async () => {
    await blobs.put('put/swap', 'one')
    const swap = (content: string, if_sha256: string) =>
      blobs.result('fs_blob_put', { path: 'put/swap', content, if_sha256 })
    expect(await swap('two', sha256('one').toUpperCase())).toMatchObject({ status: 'success' })
    expect(await swap('three', sha256('one'))).toMatchObject(failed('PRECONDITION_FAILED'))
    expect(await blobs.text('put/swap')).toBe('two')
    expect(await swap('x', 'abc')).toMatchObject(failed('INVALID_INPUT'))
  })

  test('of many that may not overwrite one succeeds', async () => {
    const tries = Array.from({ length: 20 }, (_, n) =>
      blobs.result('fs_blob_put', { path: 'put/race', content: `${n}`, overwrite: false }),
    )
    const ends = await Promise.all(tries)
    expect(ends.filter(({ status }) => status === 'success').length).toBe(1)
    expect(ends.filter((result) => result['error_code'] === 'FILE_EXISTS').length).toBe(19)
  })

  test.each([
    [{ content: 'x' }, 'MISSING_REQUIRED_FIELD', 'path'],
    [{ path: 'a' }, 'MISSING_REQUIRED_FIELD', 'bytes, content or from'],
    [{ path: 'a', content: 'x', bytes: 'eA==' }, 'INVALID_INPUT', 'content'],
    [{ path: 'a', content: '', from: 'fs:b' }, 'INVALID_INPUT', 'from'],
    [{ path: 'a', from: 'b' }, 'INVALID_INPUT', 'from'],
    [{ path: 'a', from: 'file:///etc/passwd' }, 'INVALID_INPUT', 'from'],
    [{ path: 7, content: 'x' }, 'INVALID_INPUT', 'path'],
    [{ path: 'a', content: 7 }, 'INVALID_INPUT', 'content'],
    [{ path: 'a', content: 'x', content_type: 'a\nb' }, 'INVALID_INPUT', 'content_type'],
    [{ path: 'a', content: 'x', metadata: { a: 1 } }, 'INVALID_INPUT', 'metadata.a'],
    [{ path: 'a', content: 'x', metadata: { a: 'x'.repeat(1025) } }, 'INVALID_INPUT', 'metadata.a'],
    [
      { path: 'a', content: 'x', metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, ''])) },
      'INVALID_INPUT',
      'metadata',
    ],
    [
      {
        path: 'a',
        content: 'x',
        metadata: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [n, 'x'.repeat(1000)])),
      },
      'INVALID_INPUT',
      'metadata',
    ],
    [{ path: 'a', content: 'x', ttl_seconds: 0 }, 'INVALID_INPUT', 'ttl_seconds'],
    [{ path: 'a', content: 'x', ttl_seconds: 1e12 }, 'INVALID_INPUT', 'ttl_seconds'],
  ])('%j is %s', async (payload, code, field) => {
    const result = await blobs.result('fs_blob_put', payload)
    expect(result).toMatchObject(failed(code, { fields: [{ field }] }))
  })

  test('refuses half a character, and bytes that are no base64, and leaves nothing', async () => {
    const half = await blobs.result('fs_blob_put', { path: 'put/half', content: '\ud800' })
    expect(half).toMatchObject(failed('INVALID_INPUT', { fields: [{ field: 'content' }] }))
    const bytes = `${'A'.repeat(100_000)}*`
    const wrong = await blobs.result('fs_blob_put', { path: 'put/half', bytes })
    expect(wrong).toMatchObject(failed('BASE64_DECODE_ERROR', { field: 'bytes' }))
    expect(await blobs.text('put/half')).toBeUndefined()
  })

  test.each([
    '',
    '/',
    '/etc/passwd',
    '../a',
    'a/../b',
    'a//b',
    'C:\\a',
    'a\\b',
    'a\0b',
    'CON',
    'a.',
    `${'x'.repeat(300)}`,
  ])('the path %j is refused by every job', async (path) => {
    for (const [type, more] of [
      ['fs_blob_put', { content: 'x' }],
      ['fs_blob_get', {}],
      ['fs_blob_stat', {}],
      ['fs_blob_delete', {}],
    ] as const) {
      const result = await blobs.result(type, { path, ...more })
      expect(result).toMatchObject(failed('INVALID_PATH'))
      expect(result['error_details']).toHaveProperty('reason')
      expect(JSON.stringify(result)).not.toContain(blobs.rig.config.blobs.baseDir)
    }
    const stored = await blobs.result('echo', undefined, { job: { payload_ref: `fs:${path}` } })
    expect(stored).toMatchObject(failed('INVALID_PATH', { field: 'payload_ref' }))
    const saving = { url: 'http://127.0.0.1:1/', save_to: path }
    expect(await blobs.result('http', saving)).toMatchObject(failed('INVALID_PATH'))
  })
})

describe('get', () => {
  const content = '0123456789'

  test('says all that is known of it', async () => {
    const about = { content_type: 'text/plain; charset=utf-8', metadata: { by: 'me' } }
    await blobs.output('fs_blob_put', { path: 'get/a', content, ...about, ttl_seconds: 3600 })
    const facts = {
      path: 'get/a',
      size: 10,
      sha256: sha256(content),
      modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      expires: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      ...about,
    }
    expect(await blobs.output('fs_blob_get', { path: 'get/a' })).toEqual({ ...facts, bytes: 'MDEyMzQ1Njc4OQ==' })
    expect(await blobs.output('fs_blob_stat', { path: 'get/a' })).toEqual(facts)
    expect(await blobs.output('fs.list', { prefix: 'get/a' })).toEqual({ items: [facts] })
  })

  test.each([
    [{ start: 0, end: 10 }, content, [0, 10]],
    [{ start: 2, end: 5 }, '234', [2, 5]],
    [{ start: 7 }, '789', [7, 10]],
    [{ end: 2 }, '01', [0, 2]],
    [{}, content, [0, 10]],
    [{ start: 7, end: 99 }, '789', [7, 10]],
    [{ start: 4, end: 4 }, '', [4, 4]],
    [{ start: 10 }, '', [10, 10]],
  ])('gives the range %j without its end, verified or not', async (range, expected, [start, end]) => {
    await blobs.put('get/range', content)
    for (const verify of [false, true]) {
      const output = await blobs.output('fs_blob_get', { path: 'get/range', range, encoding: 'text', verify })
      expect(output).toMatchObject({ content: expected, range: { start, end }, size: 10, sha256: sha256(content) })
    }
  })

  test.each([
    [{ range: { start: 11 } }, { field: 'range', size: 10 }],
    [
      { range: { start: 11 }, verify: true },
      { field: 'range', size: 10 },
    ],
    [{ range: { start: 5, end: 4 } }, { fields: [{ field: 'range.end' }] }],
    [{ range: { start: -1 } }, { fields: [{ field: 'range.start' }] }],
    [{ range: { start: 0 }, encoding: 'json' }, { fields: [{ field: 'range' }] }],
    [{ encoding: 'hex' }, { fields: [{ field: 'encoding' }] }],
  ])('%j is INVALID_INPUT', async (more, details) => {
    await blobs.put('get/range', content)
    const result = await blobs.result('fs_blob_get', { path: 'get/range', ...more })
    expect(result).toMatchObject(failed('INVALID_INPUT', details))
  })

  test('gives text as it was put, and JSON as what it says', async () => {
    await blobs.put('get/text', '\ufeff{"a":[1,null]}')
    expect(await blobs.text('get/text')).toBe('\ufeff{"a":[1,null]}')
    expect(await blobs.output('fs_blob_get', { path: 'get/text', encoding: 'json' })).toMatchObject({
      json: { a: [1, null] },
    })
    await blobs.put('get/null', 'null')
    expect(await blobs.output('fs_blob_get', { path: 'get/null', encoding: 'json' })).toMatchObject({ json: null })
  })

  test('fails on what is no text or JSON, or too much JSON', async () => {
    await blobs.output('fs_blob_put', { path: 'get/bytes', bytes: '/w==' })
    const get = (path: string, encoding: string) => blobs.result('fs_blob_get', { path, encoding })
    expect(await get('get/bytes', 'text')).toMatchObject(failed('INVALID_FORMAT', { encoding: 'text' }))
    expect(await get('get/bytes', 'json')).toMatchObject(failed('PARSE_ERROR', { encoding: 'json' }))
    await blobs.put('get/open', '{"a":')
    expect(await get('get/open', 'json')).toMatchObject(failed('PARSE_ERROR'))
    await blobs.put('get/deep', `${'['.repeat(1001)}${']'.repeat(1001)}`)
    expect(await get('get/deep', 'json')).toMatchObject(failed('QUOTA_EXCEEDED', { reason: 'levels', limit: 1000 }))
    await blobs.put('get/wide', `[${'0,'.repeat(200_000)}0]`)
    expect(await get('get/wide', 'json')).toMatchObject(failed('QUOTA_EXCEEDED', { reason: 'values', limit: 200_000 }))
  })

  test('of nothing is FILE_NOT_FOUND', async () => {
    for (const type of ['fs.blob_get', 'fs.get', 'fs.stat', 'fs.blob_stat']) {
      expect(await blobs.result(type, { path: 'get/nothing' })).toMatchObject(failed('FILE_NOT_FOUND'))
    }
  })

  test('verified fails on what was changed behind the back of the store', async () => {
    const file = `${blobs.rig.config.blobs.baseDir}/get/changed`
    await blobs.put('get/changed', content)
    const get = () => blobs.result('fs_blob_get', { path: 'get/changed', verify: true, range: { start: 0, end: 1 } })
    expect(await get()).toMatchObject({ status: 'success' })
    await Bun.write(file, 'changed by others')
    expect(await get()).toMatchObject(failed('DATA_CORRUPT'))
    expect(await blobs.text('get/changed')).toBe('changed by others')
  })
})

describe('list and delete', () => {
  test('pages go through all there is, in order', async () => {
    const paths = Array.from({ length: 25 }, (_, n) => `list/${n % 3}/${String(n).padStart(2, '0')}`)
    await Promise.all(paths.map((path) => blobs.put(path, path)))
    const seen: unknown[] = []
    let cursor: unknown
    do {
      const page = await blobs.output('fs_blob_list', { prefix: 'list/', limit: 7, cursor })
      const items = page['items']
      if (!Array.isArray(items)) throw new Error('no list')
      seen.push(...items.map((item: { readonly path: string }) => item.path))
      cursor = page['next']
    } while (cursor !== undefined)
    expect(seen).toEqual(paths.toSorted())
    expect(await blobs.output('fs.blob_list', { prefix: 'list/1/0' })).toMatchObject({
      items: [{ path: 'list/1/01', size: 9 }, { path: 'list/1/04' }, { path: 'list/1/07' }],
    })
    expect(await blobs.output('fs.list', { prefix: 'nothing/' })).toEqual({ items: [] })
  })

  test.each([{ limit: 0 }, { limit: 1001 }, { prefix: 7 }, { cursor: {} }])('%j is INVALID_INPUT', async (payload) => {
    expect(await blobs.result('fs_blob_list', payload)).toMatchObject(failed('INVALID_INPUT'))
  })

  test('what is deleted is gone', async () => {
    await blobs.put('delete/a', 'x')
    expect(await blobs.output('fs_blob_delete', { path: 'delete/a' })).toEqual({ path: 'delete/a', deleted: true })
    expect(await blobs.text('delete/a')).toBeUndefined()
    expect(await blobs.result('fs.delete', { path: 'delete/a' })).toMatchObject(failed('FILE_NOT_FOUND'))
    expect(await blobs.output('fs.blob_delete', { path: 'delete/a', missing_ok: true })).toMatchObject({
      deleted: false,
    })
  })

  test('deleting may be bound to what is there', async () => {
    await blobs.put('delete/b', 'x')
    const remove = (if_sha256: string) => blobs.result('fs_blob_delete', { path: 'delete/b', if_sha256 })
    expect(await remove(sha256('y'))).toMatchObject(failed('PRECONDITION_FAILED'))
    expect(await remove(sha256('x'))).toMatchObject({ status: 'success' })
  })
})
