/** Payloads that are in the file store. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openSite, type Site } from '../http/http-world.ts'
import { type BlobRig, startBlobRig } from './blob-rig.ts'

let blobs: BlobRig
let site: Site

beforeAll(async () => {
  blobs = await startBlobRig({ FS_MAX_BLOB_BYTES: '3MB', FS_TENANT_ISOLATION: 'true' })
  site = openSite()
})

afterAll(async () => {
  await blobs[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

/** The result of a job whose payload is this text in a blob. */
async function run(type: string, stored: string, job: object = {}) {
  await blobs.put('payload.json', stored)
  return blobs.result(type, undefined, { job: { payload_ref: 'fs:payload.json', ...job } })
}

describe('every job type takes its payload from a blob', () => {
  test.each([
    ['echo', { any: ['thing', null] }, { any: ['thing', null] }],
    ['sleep', { ms: 1 }, { slept_ms: 1 }],
    ['jmespath', { expression: 'a.b', data: { a: { b: 7 } } }, 7],
    ['script.javascript', { code: 'x * 2', args: { x: 21 } }, 42],
    ['fs_blob_put', { path: 'put', content: 'x' }, { path: 'put', size: 1 }],
    ['fs.stat', { path: 'payload.json' }, { path: 'payload.json' }],
  ])('%s', async (type, payload, output) => {
    const result = await run(type, JSON.stringify(payload))
    expect(result).toMatchObject({ status: 'success', job_type: type, attempts: 1 })
    if (typeof output === 'object') expect(result['output']).toMatchObject(output)
    else expect(result['output']).toBe(output)
  })

  test('http', async () => {
    const stored = JSON.stringify({ url: site.url, method: 'POST', body: { a: 1 } })
    expect(await run('http.request', stored)).toMatchObject({ status: 'success', output: { body: { a: 1 } } })
  })

  test.each(['null', '0', '"text"', '[1]', '\ufeff{}', ' {} '])('whatever JSON it is: %j', async (stored) => {
    const value: unknown = JSON.parse(stored.replace('\ufeff', ''))
    const result = await run('echo', stored)
    expect(result['status']).toBe('success')
    expect(result['output'] ?? null).toEqual(value as never)
  })
})

describe('an inline payload', () => {
  test.each([{ payload: { n: 1 } }, { inputs: { n: 1 } }, { payload: null, inputs: { n: 1 } }])(
    'wins: %j',
    async (job) => {
      const result = await blobs.result('echo', undefined, { job: { payload_ref: 'fs:../nowhere', ...job } })
      expect(result).toMatchObject({ status: 'success', output: { n: 1 } })
    },
  )

  test.each([{ payload: null }, { inputs: null }, { payload: null, inputs: null, more: 1 }])(
    'does not when it is %j',
    async (job) => {
      expect(await run('echo', '{"n":2}', job)).toMatchObject({ output: { n: 2 } })
    },
  )
})

describe('what the blob holds', () => {
  const field = 'payload_ref'

  test.each([
    ['bytes that are no JSON', '{"a":', 'PARSE_ERROR', { field }],
    ['nothing', '', 'PARSE_ERROR', { field }],
    ['JSON that is nested too deeply', `${'['.repeat(1001)}${']'.repeat(1001)}`, 'INVALID_INPUT', { field }],
    ['too many values', `[${'0,'.repeat(200_000)}0]`, 'QUOTA_EXCEEDED', { field, reason: 'values', limit: 200_000 }],
  ])('may not be %s', async (_, stored, code, details) => {
    const result = await run('echo', stored)
    expect(result).toMatchObject({ status: 'error', error_code: code, error_details: details, retryable: false })
  })

  test('may not be text in another encoding', async () => {
    await blobs.output('fs_blob_put', {
      path: 'payload.json',
      bytes: Buffer.from('"\xe4"', 'latin1').toString('base64'),
    })
    const result = await blobs.result('echo', undefined, { job: { payload_ref: 'fs:payload.json' } })
    expect(result).toMatchObject({ error_code: 'PARSE_ERROR' })
  })

  test('is checked like any input', async () => {
    expect(await run('sleep', '{"ms":"long"}')).toMatchObject({
      error_code: 'INVALID_INPUT',
      error_details: { fields: [{ field: 'ms' }] },
    })
    expect(await run('http', '{}')).toMatchObject({ error_code: 'MISSING_REQUIRED_FIELD' })
    expect(await run('sleep', '{"ms":60000,"timeout_ms":20}')).toMatchObject({
      status: 'timeout',
      error_code: 'TIMEOUT',
    })
    expect(await run('sleep', '{"timeout_ms":0}')).toMatchObject({ error_code: 'INVALID_INPUT' })
    expect(await run('sleep', '{"ms":60000}', { timeout_ms: 20 })).toMatchObject({ error_code: 'TIMEOUT' })
  })

  test('may not be larger than blobs may be, if others put it there', async () => {
    await Bun.write(`${blobs.rig.config.blobs.baseDir}/large.json`, `"${'x'.repeat(3_000_000)}"`)
    // In the tenant's own folder it is looked for, and nowhere else.
    const result = await blobs.result('echo', undefined, { job: { payload_ref: 'fs:large.json' } })
    expect(result).toMatchObject({ error_code: 'FILE_NOT_FOUND', error_details: { field }, retryable: false })
    await using shared = await startBlobRig({ FS_MAX_BLOB_BYTES: '3MB' })
    await shared.put('small', 'x')
    await Bun.write(`${shared.rig.config.blobs.baseDir}/large.json`, `"${'x'.repeat(3_000_000)}"`)
    const large = await shared.result('echo', undefined, { job: { payload_ref: 'fs:large.json' } })
    expect(large).toMatchObject({ error_code: 'QUOTA_EXCEEDED', error_details: { field, limit: 3_000_000 } })
  })

  test('is the tenant’s own', async () => {
    await blobs.put('mine.json', '1')
    const theirs = { tenant_id: 'other', job: { payload_ref: 'fs:mine.json' } }
    expect(await blobs.result('echo', undefined, theirs)).toMatchObject({ error_code: 'FILE_NOT_FOUND' })
  })
})

test('a job whose payload cannot be had is kept as a dead letter, with the reference alone', async () => {
  await blobs.result('echo', undefined, { job: { payload_ref: 'fs:missing.json' } })
  const letters = await blobs.rig.deadLetters()
  const letter = letters.find(({ error_code: code }) => code === 'FILE_NOT_FOUND')
  expect(letter).toMatchObject({
    reason: 'JOB_FAILED',
    error_code: 'FILE_NOT_FOUND',
    assignment: { job: { payload_ref: expect.stringMatching(/^fs:/) } },
  })
})
