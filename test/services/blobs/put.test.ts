import { describe, expect, test } from 'bun:test'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { never, openBlobRig, refusal } from './blob-rig.ts'

const holdings = ['descriptor', 'path'] as const
const sha256 = (text: string): string => new Bun.CryptoHasher('sha256').update(text).digest('hex')

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text)
}

describe.each(holdings)('putting, with folders held by %s', (holding) => {
  test('stores a plain file that its owner can read, and tells what it stored', async () => {
    await using rig = await openBlobRig({ holding })
    const put = await rig.put('a/b/c.txt', 'hello', { contentType: 'text/plain', metadata: { by: 'me' } })
    const info = {
      ...{ path: 'a/b/c.txt', size: 5, sha256: sha256('hello'), modified: expect.any(String) },
      ...{ contentType: 'text/plain', metadata: { by: 'me' } },
    }
    expect(put).toEqual({ ...info, created: true })
    expect(await readFile(join(rig.box, 'a/b/c.txt'), 'utf8')).toBe('hello')
    expect((await stat(join(rig.box, 'a/b/c.txt'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(rig.box, 'a'))).mode & 0o777).toBe(0o700)
    expect(await rig.blobs.stat('t', 'a/b/c.txt', never)).toEqual(info)
    expect(Math.abs(Date.parse(put.modified) - Date.now())).toBeLessThan(60_000)
  })

  test('overwrites with everything that belongs to a blob', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', 'one', { contentType: 'text/plain', ttlSeconds: 60 })
    const { modified, ...second } = await rig.put('x', 'two!')
    expect(second).toEqual({ path: 'x', size: 4, sha256: sha256('two!'), created: false })
    expect(await rig.blobs.stat('t', 'x', never)).toEqual({ path: 'x', size: 4, sha256: sha256('two!'), modified })
    expect((await readdir(rig.box)).filter((name) => name.startsWith('.'))).toHaveLength(1)
  })

  test('does not overwrite when it must not', async () => {
    await using rig = await openBlobRig({ holding })
    expect(await rig.put('x', 'one', { overwrite: false })).toMatchObject({ created: true })
    expect(await refusal(rig.put('x', 'two', { overwrite: false }))).toMatchObject({ code: 'FILE_EXISTS' })
    expect(await rig.text('x')).toBe('one')
  })

  test('compares what is there with what was expected', async () => {
    await using rig = await openBlobRig({ holding })
    const missing = await refusal(rig.put('x', 'one', { ifSha256: sha256('zero') }))
    expect(missing).toEqual({ code: 'PRECONDITION_FAILED', details: { reason: 'missing' } })
    await rig.put('x', 'one')
    const changed = await refusal(rig.put('x', 'two', { ifSha256: sha256('zero') }))
    expect(changed).toEqual({ code: 'PRECONDITION_FAILED', details: { reason: 'changed' } })
    expect(await rig.put('x', 'two', { ifSha256: sha256('one').toUpperCase() })).toMatchObject({ created: false })
    expect(await rig.text('x')).toBe('two')
  })

  test('compares with the content where something else has written it', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', 'one')
    await writeFile(join(rig.box, 'x'), 'own')
    await writeFile(join(rig.box, 'y'), 'own')
    for (const path of ['x', 'y']) {
      expect(await refusal(rig.put(path, 'two', { ifSha256: sha256('one') }))).toMatchObject({
        details: { reason: 'changed' },
      })
      expect(await rig.put(path, 'two', { ifSha256: sha256('own') })).toMatchObject({ sha256: sha256('two') })
    }
  })

  test('takes pieces of any size', async () => {
    await using rig = await openBlobRig({ holding })
    const large = 'x'.repeat(300_000)
    const options = { overwrite: true, signal: never }
    const put = await rig.blobs.put('t', 'p', pieces('a', '', 'b', large, 'c', 'd'.repeat(65_536), 'e'), options)
    const text = `ab${large}c${'d'.repeat(65_536)}e`
    expect(put).toMatchObject({ size: text.length, sha256: sha256(text) })
    expect(await rig.text('p')).toBe(text)
    expect(await rig.blobs.put('t', 'empty', pieces(), options)).toMatchObject({ size: 0, sha256: sha256('') })
    expect(await rig.text('empty')).toBe('')
  })

  test('leaves nothing behind when the content fails, is too large or is called off', async () => {
    await using rig = await openBlobRig({ holding, env: { FS_MAX_BLOB_BYTES: '100KB' } })
    await rig.put('x', 'before')
    const names = await readdir(rig.box)
    const options = { overwrite: true, signal: never }
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* pieces('a'.repeat(70_000))
      throw new Error('the source failed')
    }
    await expect(rig.blobs.put('t', 'x', broken(), options)).rejects.toThrow('the source failed')
    const quota = { code: 'QUOTA_EXCEEDED', details: { reason: 'blob', limit: 100_000 } }
    expect(await refusal(rig.blobs.put('t', 'x', pieces('a'.repeat(70_000), 'b'.repeat(70_000)), options))).toEqual(
      quota,
    )
    expect(await refusal(rig.put('x', 'a'.repeat(100_001)))).toEqual(quota)
    expect(await rig.text('x')).toBe('before')
    expect(await readdir(rig.box)).toEqual(names)
  })

  test('ends with its signal, whatever the content does then', async () => {
    await using rig = await openBlobRig({ holding })
    const stop = new AbortController()
    const reason = new Error('called off')
    async function* stalled(): AsyncGenerator<Uint8Array> {
      yield* pieces('a'.repeat(70_000))
      stop.abort(reason)
      await new Promise(() => undefined)
    }
    const put = rig.blobs.put('t', 'x', stalled(), { overwrite: true, signal: stop.signal })
    expect(await put.catch((thrown: unknown) => thrown)).toBe(reason)
    const late = rig.put('x', 'b', { signal: AbortSignal.abort(reason) })
    expect(await late.catch((thrown: unknown) => thrown)).toBe(reason)
    await rig.blobs[Symbol.asyncDispose]()
    expect(await readdir(rig.box)).toEqual([])
  })

  test('says what is in its way', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('a/b', 'x')
    expect(await refusal(rig.put('a', 'x'))).toEqual({ code: 'FILE_WRITE_ERROR', details: { reason: 'folder' } })
    const inFile = { code: 'FILE_WRITE_ERROR', details: { reason: 'not_a_folder' } }
    expect(await refusal(rig.put('a/b/c', 'x'))).toEqual(inFile)
    expect((await readdir(join(rig.box, 'a'))).filter((name) => name.includes('tmp'))).toEqual([])
  })

  test('needs a folder of its own', async () => {
    await using around = await openBlobRig({ holding })
    await writeFile(around.box, 'a file in its place')
    await using rig = await openBlobRig({ holding, box: around.box })
    const unusable = { code: 'RESOURCE_UNAVAILABLE', details: { reason: 'folder_unusable' } }
    expect(await refusal(rig.put('x', 'x'))).toEqual(unusable)
    expect(await refusal(rig.text('x'))).toEqual(unusable)
  })

  test('goes on in a box that was removed and made anew meanwhile', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', 'one')
    await rm(rig.box, { recursive: true })
    await rig.put('y/z', 'two')
    expect(await rig.text('y/z')).toBe('two')
    await rm(rig.box, { recursive: true })
    await mkdir(rig.box)
    await rig.put('x', 'three')
    expect(await readFile(join(rig.box, 'x'), 'utf8')).toBe('three')
  })

  test('200 at once on one path leave one of them, whole', async () => {
    await using rig = await openBlobRig({ holding })
    const text = (n: number): string => `${n} `.repeat(1000 + n)
    const puts = await Promise.all(Array.from({ length: 200 }, (_, n) => rig.put('dir/x', text(n))))
    expect(puts.filter(({ created }) => created)).toHaveLength(1)
    const info = await rig.blobs.stat('t', 'dir/x', never)
    const now = await rig.text('dir/x')
    expect(now).toBe(text(Number.parseInt(now, 10)))
    expect(info.sha256).toBe(sha256(now))
    expect(await readdir(join(rig.box, 'dir'))).toHaveLength(2)
  })

  test('of 50 at once that must not overwrite, and of 50 that compare, one succeeds', async () => {
    await using rig = await openBlobRig({ holding })
    const tries = async (run: (n: number) => Promise<unknown>): Promise<readonly PromiseSettledResult<unknown>[]> =>
      (await Promise.allSettled(Array.from({ length: 50 }, (_, n) => run(n)))).filter(
        ({ status }) => status === 'fulfilled',
      )
    expect(await tries((n) => rig.put('x', `first ${n}`, { overwrite: false }))).toHaveLength(1)
    const ifSha256 = sha256(await rig.text('x'))
    expect(await tries((n) => rig.put('x', `second ${n}`, { ifSha256 }))).toHaveLength(1)
    expect(await rig.text('x')).toStartWith('second')
  })
})
