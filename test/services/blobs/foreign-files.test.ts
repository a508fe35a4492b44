/** What is in the box without being a blob is neither read nor written. */
import { describe, expect, test } from 'bun:test'
import { link, mkdir, readdir, readFile, rename, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { JobError } from '../../../src/errors.ts'
import { hostilePaths } from '../../lib/hostile-paths.ts'
import { makeOutside, never, openBlobRig, refusal } from './blob-rig.ts'

const holdings = ['descriptor', 'path'] as const

describe.each(holdings)('with folders held by %s', (holding) => {
  test('links are not followed, nor replaced', async () => {
    await using rig = await openBlobRig({ holding })
    const outside = await makeOutside(rig.around)
    await rig.put('dir/x', 'inside')
    await symlink(join(outside, 'secret.txt'), join(rig.box, 'file'))
    await symlink(outside, join(rig.box, 'folder'))
    await symlink('../outside', join(rig.box, 'dir/up'))
    await symlink('dir', join(rig.box, 'within'))
    await symlink('nowhere', join(rig.box, 'dangling'))
    const linked = { code: 'PERMISSION_DENIED', details: { reason: 'link' } }
    for (const path of [
      'file',
      'folder/secret.txt',
      'folder/new',
      'dir/up/secret.txt',
      'within/x',
      'dangling',
      'folder/a/b',
    ]) {
      expect(await refusal(rig.blobs.stat('t', path, never))).toEqual(linked)
      expect(await refusal(rig.blobs.read('t', path, { signal: never }))).toEqual(linked)
      expect(await refusal(rig.put(path, 'mine'))).toEqual(linked)
      expect(await refusal(rig.put(path, 'mine', { overwrite: false }))).toEqual(linked)
      expect(await refusal(rig.blobs.remove('t', path, { missingOk: false, signal: never }))).toEqual(linked)
    }
    expect(await readdir(outside)).toEqual(['secret.txt'])
    expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('outside')
    expect(await rig.paths()).toEqual(['dir/x'])
  })

  test('files with another name elsewhere are refused', async () => {
    await using rig = await openBlobRig({ holding })
    const outside = await makeOutside(rig.around)
    await rig.put('x', 'inside')
    await link(join(outside, 'secret.txt'), join(rig.box, 'hard'))
    const linked = { code: 'PERMISSION_DENIED', details: { reason: 'hard_link' } }
    expect(await refusal(rig.text('hard'))).toEqual(linked)
    expect(await refusal(rig.put('hard', 'mine'))).toEqual(linked)
    expect(await refusal(rig.blobs.remove('t', 'hard', { missingOk: true, signal: never }))).toEqual(linked)
    expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('outside')
    // Once the other name is gone it is a file like any other.
    await unlink(join(outside, 'secret.txt'))
    expect(await rig.text('hard')).toBe('outside')
  })

  test.if(process.platform === 'linux')('pipes, sockets and devices are refused, and hang nobody', async () => {
    await using rig = await openBlobRig({ holding })
    await rig.put('x', 'inside')
    Bun.spawnSync(['mkfifo', join(rig.box, 'pipe')])
    using _server = Bun.listen({ unix: join(rig.box, 'socket'), socket: { data() {} } })
    const names = ['pipe', 'socket']
    if (Bun.spawnSync(['mknod', join(rig.box, 'device'), 'c', '1', '5']).success) names.push('device')
    for (const name of names) {
      const refused = { code: 'PERMISSION_DENIED', details: { reason: 'not_a_file' } }
      expect(await refusal(rig.text(name))).toEqual(refused)
      expect(await refusal(rig.put(name, 'mine'))).toEqual(refused)
      expect(await refusal(rig.blobs.remove('t', name, { missingOk: true, signal: never }))).toEqual(refused)
      expect(await refusal(rig.put(`${name}/x`, 'mine'))).toMatchObject({ code: 'FILE_WRITE_ERROR' })
    }
    expect(await rig.paths()).toEqual(['x'])
  })

  test('hostile paths reach nothing', async () => {
    await using rig = await openBlobRig({ holding })
    const outside = await makeOutside(rig.around)
    await rig.put('x', 'inside')
    for (const [reason, paths] of Object.entries(hostilePaths)) {
      for (const path of paths) {
        const refused = { code: 'INVALID_PATH', details: expect.objectContaining({ reason }) }
        expect(await refusal(rig.put(path, 'mine'))).toEqual(refused)
        expect(await refusal(rig.blobs.read('t', path, { signal: never }))).toEqual(refused)
        expect(await refusal(rig.blobs.remove('t', path, { missingOk: true, signal: never }))).toEqual(refused)
      }
    }
    expect((await readdir(rig.around)).toSorted()).toEqual(['box', 'outside'])
    expect(await readdir(outside)).toEqual(['secret.txt'])
    expect(await rig.paths()).toEqual(['x'])
  })

  test('the box may be a link itself', async () => {
    await using rig = await openBlobRig({ holding })
    await mkdir(join(rig.around, 'elsewhere'))
    await symlink('elsewhere', rig.box)
    await rig.put('a/x', 'inside')
    expect(await readFile(join(rig.around, 'elsewhere/a/x'), 'utf8')).toBe('inside')
  })
})

test('any text is refused, or is a file in the box', async () => {
  await using rig = await openBlobRig()
  const outside = await makeOutside(rig.around)
  await mkdir(rig.box)
  await symlink(outside, join(rig.box, 'out'))
  const piece = fc.constantFrom('a', '.', '..', '/', 'out', '/etc', '\\', ':', '\0', ' ', 'ä', '%2f', 'secret.txt', '~')
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.array(piece, { maxLength: 10 }).map((parts) => parts.join('')),
  )
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const put = await rig.put(text, text).catch((thrown: unknown) => thrown)
      if (put instanceof JobError)
        return expect(put.code).toMatch(/^(INVALID_PATH|PERMISSION_DENIED|FILE_WRITE_ERROR)$/)
      // What is no error is the blob.
      const { path } = put as { path: string }
      expect(await Bun.file(join(rig.box, path)).text()).toBe(Buffer.from(text).toString())
      expect(path.split('/')).not.toContain('..')
      return undefined
    }),
    { numRuns: 300 },
  )
  expect((await readdir(rig.around)).toSorted()).toEqual(['box', 'outside'])
  expect(await readdir(outside)).toEqual(['secret.txt'])
})

test('a folder that was moved out of the box while it was held takes nothing along', async () => {
  await using rig = await openBlobRig()
  const outside = await makeOutside(rig.around)
  await rig.put('dir/x', 'inside')
  await rename(join(rig.box, 'dir'), join(outside, 'dir'))
  await rig.put('dir/x', 'anew')
  expect(await readFile(join(outside, 'dir/x'), 'utf8')).toBe('inside')
  expect(await rig.text('dir/x')).toBe('anew')
})
