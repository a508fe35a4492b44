/** Disks: full ones, and others mounted inside the box. Where this process may not mount, there is nothing to see. */
import { afterAll, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { never, openBlobRig, refusal } from '../services/blobs/blob-rig.ts'
import { eventually } from '../support/eventually.ts'

const around = await mkdtemp(join(tmpdir(), 'beamline-disk-'))
const mounted: string[] = []
afterAll(async () => {
  for (const path of mounted) Bun.spawnSync(['umount', path])
  await rm(around, { recursive: true, force: true })
})

/** Mounts a disk of 1 MiB there, and says whether it could. */
async function mount(path: string): Promise<boolean> {
  await mkdir(path, { recursive: true })
  const isMounted =
    process.platform === 'linux' && Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', path]).success
  if (isMounted) mounted.push(path)
  return isMounted
}

const small = join(around, 'small')
const mayMount = await mount(small)

async function* pieces(n: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < n; at++) yield new Uint8Array(65_536)
}

test.if(mayMount)('a full disk is said to be full, and keeps nothing of what did not fit', async () => {
  await using rig = await openBlobRig({ box: small })
  await rig.put('dir/x', 'x'.repeat(500_000))
  const names = await readdir(join(small, 'dir'))
  const full = { code: 'RESOURCE_UNAVAILABLE', details: { reason: 'disk_full' } }
  expect(await refusal(rig.put('dir/y', 'y'.repeat(900_000)))).toEqual(full)
  expect(await refusal(rig.put('dir/x', 'y'.repeat(900_000)))).toEqual(full)
  const streamed = rig.blobs.put('t', 'dir/y', pieces(20), { overwrite: false, signal: never })
  expect(await refusal(streamed)).toEqual(full)
  expect(await readdir(join(small, 'dir'))).toEqual(names)
  expect(await rig.text('dir/x')).toBe('x'.repeat(500_000))
  await rig.put('dir/y', 'y'.repeat(400_000))
})

test.if(mayMount)('a disk that cannot be written to can be read', async () => {
  await using rig = await openBlobRig({ box: small })
  await rig.put('kept', 'x')
  Bun.spawnSync(['mount', '-o', 'remount,ro', small])
  const refused = { code: 'RESOURCE_UNAVAILABLE', details: { reason: 'not_writable' } }
  expect(await refusal(rig.put('new/x', 'x'))).toEqual(refused)
  expect(await refusal(rig.put('kept', 'y'))).toEqual(refused)
  expect(await refusal(rig.blobs.remove('t', 'kept', { missingOk: false, signal: never }))).toEqual(refused)
  expect(await rig.text('kept')).toBe('x')
  Bun.spawnSync(['mount', '-o', 'remount,rw', small])
})

test.if(mayMount)('another disk inside the box is not the store', async () => {
  await using rig = await openBlobRig()
  await rig.put('x', 'x')
  const disk = join(rig.box, 'disk')
  expect(await mount(disk)).toBe(true)
  await writeFile(join(disk, 'there'), 'x')
  const refused = { code: 'PERMISSION_DENIED', details: { reason: 'mounted' } }
  expect(await refusal(rig.text('disk/there'))).toEqual(refused)
  expect(await refusal(rig.put('disk/mine', 'x'))).toEqual(refused)
  expect(await readdir(disk)).toEqual(['there'])
  expect(await rig.paths()).toEqual(['x'])
  await eventually(async () => (await rig.metrics.text()).body.includes('worker_blobs 1\n'))
  Bun.spawnSync(['umount', disk])
})
