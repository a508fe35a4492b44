import { describe, expect, test } from 'bun:test'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { never, openBlobRig, refusal } from './blob-rig.ts'

const holdings = ['descriptor', 'path'] as const
const required = { missingOk: false, signal: never }

describe.each(holdings)('removing, with folders held by %s', (holding) => {
  test('takes the blob with all that belongs to it', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('a/x', 'one', { contentType: 'text/plain' })
    expect(await rig.blobs.remove('t', 'a/x', required)).toBe(true)
    expect(await readdir(join(rig.box, 'a'))).toEqual([])
    expect((await rig.metrics.text()).body).toContain('worker_blob_removals_total{reason="deleted"} 1')
    expect(await rig.put('a/x', 'two')).toMatchObject({ created: true })
  })

  test('says when there is nothing, or is content with it', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('a/x', 'one')
    for (const path of ['b', 'a', 'b/c', 'a/x/y']) {
      expect(await refusal(rig.blobs.remove('t', path, required))).toMatchObject({ code: 'FILE_NOT_FOUND' })
      expect(await rig.blobs.remove('t', path, { missingOk: true, signal: never })).toBe(false)
    }
    expect(await rig.text('a/x')).toBe('one')
  })

  test('only what was expected', async () => {
    await using rig = await openBlobRig({ holding })
    const { sha256: ifSha256 } = await rig.put('x', 'one')
    await writeFile(join(rig.box, 'x'), 'two')
    const changed = { code: 'PRECONDITION_FAILED', details: { reason: 'changed' } }
    expect(await refusal(rig.blobs.remove('t', 'x', { ...required, ifSha256 }))).toEqual(changed)
    await rig.put('x', 'one')
    expect(await rig.blobs.remove('t', 'x', { ...required, ifSha256 })).toBe(true)
    expect(await refusal(rig.blobs.remove('t', 'x', { ...required, ifSha256 }))).toMatchObject({
      code: 'FILE_NOT_FOUND',
    })
  })

  test('one of many at once', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', 'one')
    const removed = await Promise.all(
      Array.from({ length: 20 }, () => rig.blobs.remove('t', 'x', { missingOk: true, signal: never })),
    )
    expect(removed.filter(Boolean)).toHaveLength(1)
    expect(await readdir(rig.box)).toEqual([])
  })
})
