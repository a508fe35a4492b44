/** What somebody tries who may put blobs, or write into the box. */
import { describe, expect, test } from 'bun:test'
import { access, link, mkdir, readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockNames, nameKey, temporaryName } from '../../../src/services/blobs/own-names.ts'
import { processMark } from '../../../src/services/blobs/process-mark.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { makeOutside, never, openBlobRig, refusal } from './blob-rig.ts'

const env = { FS_MAX_TOTAL_BYTES: '1000' }
const full = { code: 'QUOTA_EXCEEDED', details: { reason: 'total', limit: 1000 } }

describe('a hard link to a file outside', () => {
  const toggling = (from: string, to: string): string => `
    const { linkSync, unlinkSync } = require('node:fs')
    for (const end = Date.now() + 1500; Date.now() < end; ) {
      try { linkSync('${from}', '${to}'); for (let n = 0; n < 2000; n++); unlinkSync('${to}') } catch {}
    }`

  test('is never read, whatever names the file is given and loses meanwhile', async () => {
    await using rig = await openBlobRig()
    const outside = await makeOutside(rig.around)
    await rig.put('a', '')
    await link(join(outside, 'secret.txt'), join(rig.box, 'x'))
    const other = join(rig.box, temporaryName(await processMark()))
    const child = Bun.spawn([process.execPath, '-e', toggling(join(rig.box, 'x'), other)])
    let isOver = false
    void child.exited.finally(() => {
      isOver = true
    })
    while (!isOver) expect((await refusal(rig.text('x'))).code).toBe('PERMISSION_DENIED')
  })

  test('is told from a blob that was not yet robbed of its temporary name', async () => {
    await using rig = await openBlobRig()
    await rig.put('x', 'inside')
    const temporary = join(rig.box, temporaryName(await processMark()))
    await link(join(rig.box, 'x'), temporary)
    expect(await rig.text('x')).toBe('inside')
    const foreign = join(rig.box, '.beamline-tmp-z')
    await link(join(rig.box, 'x'), foreign)
    expect(await refusal(rig.text('x'))).toMatchObject({ details: { reason: 'hard_link' } })
    await unlink(foreign)
    expect(await rig.text('x')).toBe('inside')
  })
})

describe('the most that all blobs may hold, with another worker in the folder', () => {
  test('what was never counted frees nothing', async () => {
    await using one = await openBlobRig({ env })
    await one.put('own', 'x')
    await using other = await openBlobRig({ env, box: one.box })
    await other.put('first', 'x')
    for (let n = 0; n < 5; n++) {
      await other.put('theirs', 'x'.repeat(100))
      await one.blobs.remove('t', 'theirs', { missingOk: false, signal: never })
    }
    await one.put('a', 'x'.repeat(999))
    expect(await refusal(one.put('b', 'x'))).toEqual(full)
  })

  test('what was counted frees its room, whoever put it', async () => {
    await using one = await openBlobRig({ env })
    await one.put('theirs', 'x'.repeat(900))
    await using other = await openBlobRig({ env, box: one.box })
    expect(await refusal(other.put('b', 'x'.repeat(101)))).toEqual(full)
    await other.blobs.remove('t', 'theirs', { missingOk: false, signal: never })
    await other.put('b', 'x'.repeat(1000))
  })

  test('a blob counts once while it is put in place', async () => {
    await using rig = await openBlobRig({ env })
    for (let round = 0; round < 5; round++) {
      const large = rig.put('large', 'x'.repeat(600))
      let isOver = false
      void large.finally(() => {
        isOver = true
      })
      const small: Promise<unknown>[] = []
      while (!isOver) {
        if (small.length < 60) small.push(rig.put(`small/${small.length}`, 'x'))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all([large, ...small])
      await rig.blobs.remove('t', 'large', { missingOk: true, signal: never })
    }
  })

  test('metadata counts too', async () => {
    await using rig = await openBlobRig({ env })
    const metadata = { a: '\u0001'.repeat(100) }
    await rig.put('x', '', { metadata })
    expect(await refusal(rig.put('y', '', { metadata }))).toEqual(full)
    await rig.put('y', 'x'.repeat(1000 - JSON.stringify(metadata).length))
    expect(await refusal(rig.put('z', 'x'))).toEqual(full)
    await using again = await openBlobRig({ env, box: rig.box })
    expect(await refusal(again.put('z', 'x'))).toEqual(full)
    await again.blobs.remove('t', 'x', { missingOk: false, signal: never })
    await again.put('z', 'x'.repeat(JSON.stringify(metadata).length))
  })
})

test.if(process.platform === 'linux')('a pipe in the place of a lock holds nobody up', async () => {
  const clock = new FakeClock(Date.now())
  await using rig = await openBlobRig({ clock })
  await rig.put('a', 'x')
  for (const name of Object.values(lockNames(nameKey('x')))) Bun.spawnSync(['mkfifo', join(rig.box, name)])
  await using other = await openBlobRig({ box: rig.box, env })
  // It is put when the first sweep is over, which has come to the pipes.
  await other.put('b', 'x')
})

describe('a put that fails', () => {
  test('leaves no folders behind', async () => {
    await using rig = await openBlobRig({ env: { FS_MAX_BLOB_BYTES: '100B' } })
    await rig.put('kept/x', 'x')
    await mkdir(join(rig.box, 'empty'))
    async function* large(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(200)
    }
    const puts = [
      () => rig.put('a/b/c', 'x', { ifSha256: '0'.repeat(64) }),
      () => rig.put('kept/b/c', 'x', { ifSha256: '0'.repeat(64) }),
      () => rig.blobs.put('t', 'c/d/e', large(), { overwrite: true, signal: never }),
      () => rig.blobs.put('t', 'empty/d/e', large(), { overwrite: true, signal: never }),
    ]
    for (const put of puts) await refusal(put())
    expect((await readdir(rig.box)).toSorted()).toEqual(['empty', 'kept'])
    expect((await readdir(join(rig.box, 'kept'))).filter((name) => !name.startsWith('.'))).toEqual(['x'])
    await access(join(rig.box, 'empty'))
  })

  test('beside others in the same new folders does not disturb them', async () => {
    await using rig = await openBlobRig({ env: { FS_MAX_BLOB_BYTES: '100B' } })
    async function* large(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(200)
    }
    for (let round = 0; round < 20; round++) {
      const failing = [1, 2, 3].map((n) =>
        rig.blobs.put('t', `r${round}/d/${n}`, large(), { overwrite: true, signal: never }).catch(() => undefined),
      )
      await Promise.all([rig.put(`r${round}/d/x`, 'x'), ...failing])
    }
    expect(await rig.paths()).toHaveLength(20)
  })

  test('before the blob is put in place says that nothing was done', async () => {
    await using rig = await openBlobRig()
    await rig.put('a', 'x')
    await writeFile(join(rig.box, 'file'), '')
    const puts = [
      () => rig.put('file/x', 'x'),
      () => rig.put('a', 'x', { overwrite: false }),
      () => rig.put('a', 'x', { ifSha256: '0' }),
    ]
    for (const put of puts) {
      expect(await put().catch((thrown: unknown) => thrown)).toMatchObject({ name: 'JobError', unsent: true })
    }
  })
})
