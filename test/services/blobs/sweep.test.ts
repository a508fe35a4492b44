import { describe, expect, test } from 'bun:test'
import { cp, link, mkdir, readdir, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nameKey } from '../../../src/services/blobs/own-names.ts'
import { processMark } from '../../../src/services/blobs/process-mark.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type BlobRig, never, openBlobRig, refusal } from './blob-rig.ts'

const minuteMs = 60_000

/** Everything in a folder of the box, the store's own files too. */
async function names(rig: BlobRig, folder = ''): Promise<readonly string[]> {
  return (await readdir(join(rig.box, folder))).toSorted()
}

async function metric(rig: BlobRig, name: string): Promise<string | undefined> {
  const { body } = await rig.metrics.text()
  return body
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1)
}

/** Lets sweeps come until it is so. */
function sweepUntil(clock: FakeClock, isSo: () => Promise<boolean>): Promise<boolean> {
  return eventually(async () => {
    await clock.advance(minuteMs)
    return isSo()
  })
}

/** The mark of a process of this machine that has ended. */
async function deadMark(): Promise<string> {
  const child = Bun.spawn(['true'])
  await child.exited
  return (await processMark()).replace(/-[0-9]+-/, `-${child.pid}-`)
}

describe('the time of a blob', () => {
  test('its own, then it is gone at once, and later from the disk', async () => {
    const clock = new FakeClock(Date.now())
    await using rig = await openBlobRig({ clock })
    const { expires } = await rig.put('a/short', 'x', { ttlSeconds: 10, contentType: 'text/plain' })
    await rig.put('a/long', 'x', { ttlSeconds: 100_000 })
    await rig.put('a/ever', 'x')
    expect(Date.parse(expires ?? '') - clock.now()).toBe(10_000)
    await clock.advance(9999)
    expect(await rig.text('a/short')).toBe('x')
    await clock.advance(1)
    expect(await refusal(rig.text('a/short'))).toMatchObject({ code: 'FILE_NOT_FOUND' })
    expect(await refusal(rig.blobs.remove('t', 'a/short', { missingOk: false, signal: never }))).toMatchObject({
      code: 'FILE_NOT_FOUND',
    })
    expect(await rig.paths()).toEqual(['a/ever', 'a/long'])
    await sweepUntil(clock, async () => (await names(rig, 'a')).length === 4)
    expect(await rig.paths()).toEqual(['a/ever', 'a/long'])
    expect(await metric(rig, 'worker_blob_removals_total{reason="expired"}')).toBe('1')
  })

  test('when it has come, another one may be put in its place', async () => {
    const clock = new FakeClock(Date.now())
    await using rig = await openBlobRig({ clock })
    const { sha256 } = await rig.put('x', 'one', { ttlSeconds: 1 })
    await clock.advance(2000)
    expect(await refusal(rig.put('x', 'two', { ifSha256: sha256 }))).toMatchObject({ details: { reason: 'missing' } })
    expect(await rig.put('x', 'two', { overwrite: false })).toMatchObject({ created: true })
    expect(await rig.text('x')).toBe('two')
  })

  test('that of all files, unless they have one of their own', async () => {
    const clock = new FakeClock(Date.now())
    await using rig = await openBlobRig({ clock, env: { FS_TTL_SECONDS: '3600' } })
    await rig.put('theirs', 'x')
    await writeFile(join(rig.box, 'theirs'), 'x', { flag: 'a' })
    await rig.put('mine', 'x')
    await rig.put('longer', 'x', { ttlSeconds: 7200 })
    await clock.advance(3_599_000 - 10 * minuteMs)
    expect(await rig.paths()).toEqual(['longer', 'mine', 'theirs'])
    await sweepUntil(clock, async () => (await names(rig)).length === 2)
    expect(await rig.paths()).toEqual(['longer'])
  })
})

describe('what is left behind', () => {
  test('by processes that have ended is removed at the next start; what others are writing stays', async () => {
    await using before = await openBlobRig()
    await before.put('a/x', 'x')
    const dead = await deadMark()
    const foreign = `${'0'.repeat(12)}-1-1`
    const temporary = (mark: string, n: number): string =>
      join(before.box, 'a', `.beamline-tmp-${mark}-${String(n).padStart(16, '0')}`)
    const kept = [temporary(await processMark(), 1), temporary(foreign, 2), join(before.box, 'a/.beamline-tmp-new')]
    const left = [temporary(dead, 3), temporary(foreign, 4), join(before.box, 'a/.beamline-tmp-old')]
    for (const path of [...kept, ...left]) await writeFile(path, 'half')
    for (const path of left.slice(1)) await utimes(path, 0, Date.now() / 1000 - 3700)
    // As after a crash while a blob that must not replace another was linked to its place.
    await link(left[0] ?? '', join(before.box, 'a/linked'))
    const key = nameKey('x')
    await symlink(`.beamline-tmp-${dead}-${'5'.repeat(16)}`, join(before.box, `a/.beamline-${key}.lock`))
    await symlink(`.beamline-tmp-${dead}-${'6'.repeat(16)}`, join(before.box, `a/.beamline-${key}.break`))
    await using rig = await openBlobRig({ box: before.box })
    await eventually(async () => (await metric(rig, 'worker_blobs')) !== undefined)
    const there = (await names(rig, 'a')).map((name) => join(rig.box, 'a', name))
    expect(there.filter((path) => left.includes(path))).toEqual([])
    expect(there.filter((path) => kept.includes(path)).toSorted()).toEqual(kept.toSorted())
    expect(there.filter((path) => path.includes(key))).toHaveLength(1)
    expect(await rig.text('a/linked')).toBe('half')
    expect(await metric(rig, 'worker_blob_removals_total{reason="temporary"}')).toBe('3')
  })

  test('notes without their blob go; those of blobs with other names, or that cannot be read now, stay', async () => {
    const clock = new FakeClock(Date.now())
    await using rig = await openBlobRig({ clock })
    for (const name of ['gone', 'stays', 'doubled']) await rig.put(name, name, { contentType: name })
    await unlink(join(rig.box, 'gone'))
    await link(join(rig.box, 'doubled'), join(rig.around, 'backup'))
    await writeFile(join(rig.box, `.beamline-${nameKey('torn')}.123`), '{"name":')
    await sweepUntil(clock, async () => (await names(rig)).length === 4)
    await unlink(join(rig.around, 'backup'))
    for (const name of ['stays', 'doubled']) expect((await rig.blobs.stat('t', name, never)).contentType).toBe(name)
  })

  test('a box that was copied keeps what was noted of its blobs', async () => {
    await using before = await openBlobRig()
    const put = await before.put('a/x', 'hello', { contentType: 'text/plain', metadata: { a: 'b' } })
    await before.put('a/changed', 'one', { contentType: 'text/plain' })
    const copy = join(before.around, 'copy')
    await cp(before.box, copy, { recursive: true })
    await writeFile(join(copy, 'a/changed'), 'two')
    const clock = new FakeClock(Date.now() + minuteMs)
    await using rig = await openBlobRig({ box: copy, clock })
    await eventually(async () => (await rig.blobs.stat('t', 'a/x', never)).sha256 !== undefined)
    const { contentType, metadata, sha256 } = put
    expect(await rig.blobs.stat('t', 'a/x', never)).toMatchObject({ contentType, metadata, sha256 })
    expect(await rig.blobs.stat('t', 'a/changed', never)).not.toHaveProperty('sha256')
    await sweepUntil(clock, async () => (await names(rig, 'a')).length === 3)
  })

  test('nothing outside is swept, whatever links lead there', async () => {
    await using before = await openBlobRig()
    await before.put('x', 'x')
    const outside = join(before.around, 'outside')
    await mkdir(outside)
    const left = `.beamline-tmp-${await deadMark()}-${'0'.repeat(16)}`
    await writeFile(join(outside, left), '')
    await symlink(outside, join(before.box, 'out'))
    // A note that names a file elsewhere, and a lock that does.
    await writeFile(
      join(outside, 'note'),
      JSON.stringify({ name: '../outside/note', size: 1, modifiedNs: '0', sha256: '0'.repeat(64) }),
    )
    await cp(join(outside, 'note'), join(before.box, `.beamline-${nameKey('../outside/note')}.1`))
    await symlink('../outside/note', join(before.box, `.beamline-${nameKey('y')}.lock`))
    const clock = new FakeClock(Date.now() + 2 * minuteMs)
    await using rig = await openBlobRig({ box: before.box, clock })
    await sweepUntil(clock, async () => (await names(rig)).length === 3)
    expect((await readdir(outside)).toSorted()).toEqual([left, 'note'])
  })
})

test('blobs are counted, whoever puts them there', async () => {
  const clock = new FakeClock(Date.now())
  await using rig = await openBlobRig({ clock })
  const held = async (): Promise<string> =>
    `${await metric(rig, 'worker_blobs')} ${await metric(rig, 'worker_blob_bytes')}`
  await eventually(async () => (await held()) === '0 0')
  await rig.put('a/x', '12345')
  await rig.put('y', '123')
  expect(await held()).toBe('2 8')
  await rig.put('y', '1')
  expect(await held()).toBe('2 6')
  await rig.blobs.remove('t', 'a/x', { missingOk: false, signal: never })
  expect(await held()).toBe('1 1')
  await writeFile(join(rig.box, 'own'), '1234')
  await sweepUntil(clock, async () => (await held()) === '2 5')
  await rm(rig.box, { recursive: true })
  await sweepUntil(clock, async () => (await held()) === '0 0')
  await rig.put('z', '123456789')
  await sweepUntil(clock, async () => (await held()) === '1 9')
})

test('a box that cannot be read is told of, and looked at again', async () => {
  const clock = new FakeClock(Date.now())
  await using around = await openBlobRig()
  await writeFile(around.box, 'a file in its place')
  await using rig = await openBlobRig({ box: around.box, clock, env: { FS_MAX_TOTAL_BYTES: '1KB' } })
  await eventually(() => rig.logged.some((line) => line.includes('The blobs could not be swept')))
  expect(await refusal(rig.put('x', 'x'))).toMatchObject({
    code: 'RESOURCE_UNAVAILABLE',
    details: { reason: 'not_counted' },
  })
  await rm(around.box)
  await sweepUntil(clock, async () => (await metric(rig, 'worker_blobs')) === '0')
  await rig.put('x', 'x')
})
