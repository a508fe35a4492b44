import { describe, expect, test } from 'bun:test'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Blobs } from '../../../src/services/blobs/blobs.ts'
import { never, openBlobRig, refusal } from './blob-rig.ts'

async function pages(blobs: Blobs, limit: number, prefix = '', tenant = 't'): Promise<readonly (readonly string[])[]> {
  const found: string[][] = []
  for (let cursor: string | undefined; ; ) {
    const page = await blobs.list(tenant, { prefix, limit, signal: never, ...(cursor === undefined ? {} : { cursor }) })
    found.push(page.items.map(({ path }) => path))
    cursor = page.next
    if (cursor === undefined) return found
  }
}

describe('listing', () => {
  const paths = ['a', 'a.txt', 'a b', 'b/a', 'b/b/c', 'b-c', 'b.c', 'ba', 'c/x', 'Z', 'ä', '日/本'].toSorted()

  test('goes through all paths in their order, in pages of any size', async () => {
    await using rig = await openBlobRig()
    for (const path of paths) await rig.put(path, path)
    for (const limit of [1, 2, 3, 5, 11, 12, 13, 100]) {
      const found = await pages(rig.blobs, limit)
      expect(found.flat()).toEqual(paths)
      expect(found.every((page) => page.length <= limit)).toBe(true)
      expect(found.at(-1)?.length).toBeGreaterThan(0)
    }
  })

  test('by what their paths begin with', async () => {
    await using rig = await openBlobRig()
    for (const path of paths) await rig.put(path, path)
    for (const prefix of ['', 'a', 'b', 'b/', 'b/b', 'b/b/', 'b.', 'x', 'x/y', 'a/', 'c/x', 'c/x/']) {
      const wanted = paths.filter((path) => path.startsWith(prefix))
      expect([prefix, (await pages(rig.blobs, 2, prefix)).flat()]).toEqual([prefix, wanted])
    }
  })

  test('any set of paths, with any page', async () => {
    const segment = fc.constantFrom('a', 'b', 'ab', 'a.b', 'a-b', 'a b', 'A', '日')
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(path, { maxLength: 12 }),
        path,
        fc.integer({ min: 1, max: 5 }),
        async (all, from, n) => {
          await using rig = await openBlobRig()
          // A path cannot be a folder and a blob.
          const stored = all.filter((one) => !all.some((other) => other.startsWith(`${one}/`)))
          await Promise.all(stored.map((one) => rig.put(one, '')))
          const prefix = from.slice(0, n)
          const wanted = stored.filter((one) => one.startsWith(prefix)).toSorted()
          expect((await pages(rig.blobs, n, prefix)).flat()).toEqual(wanted)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('shows nothing but blobs', async () => {
    await using rig = await openBlobRig()
    await rig.put('a', 'x', { contentType: 'text/plain' })
    await mkdir(join(rig.box, 'empty'))
    await symlink('/etc/passwd', join(rig.box, 'link'))
    await symlink('/etc', join(rig.box, 'folder-link'))
    await mkdir(join(rig.box, 'nul'))
    for (const name of ['b:c', '.beamline-tmp-x', 'nul/x', 'own']) await writeFile(join(rig.box, name), '')
    expect(await rig.paths()).toEqual(['a', 'own'])
    const { items } = await rig.blobs.list('t', { limit: 1, signal: never })
    expect(items).toEqual([await rig.blobs.stat('t', 'a', never)])
  })

  test('refuses what is no prefix and no cursor', async () => {
    await using rig = await openBlobRig()
    await rig.put('a', 'x')
    const list = (more: object): Promise<unknown> => rig.blobs.list('t', { limit: 1, signal: never, ...more })
    for (const prefix of ['../', '/', 'a//', '..\\'])
      expect(await refusal(list({ prefix }))).toMatchObject({ code: 'INVALID_PATH' })
    const wrong = { code: 'INVALID_INPUT', details: { field: 'cursor' } }
    for (const cursor of ['', '!', 'Li4vYQ', `${Buffer.from('a').toString('base64url')}=`]) {
      expect(await refusal(list({ cursor }))).toEqual(wrong)
    }
  })
})

describe('tenants with folders of their own', () => {
  const env = { FS_TENANT_ISOLATION: 'true' }
  const tenants = [
    'acme',
    'Acme',
    'ACME',
    '..',
    '.',
    '../acme',
    'acme/x',
    '',
    'nul',
    'a%2e',
    'ä',
    'a\u0308',
    'x'.repeat(300),
  ]

  test('see nothing of each other', async () => {
    await using rig = await openBlobRig({ env })
    for (const [n, tenant] of tenants.entries()) {
      await rig.blobs.put(tenant, 'same/path', new TextEncoder().encode(String(n)), { overwrite: false, signal: never })
    }
    for (const [n, tenant] of tenants.entries()) {
      await using reading = await rig.blobs.read(tenant, 'same/path', { signal: never })
      expect(new TextDecoder().decode(await reading.bytes(10))).toBe(String(n))
      expect(await pages(rig.blobs, 10, '', tenant)).toEqual([['same/path']])
    }
    expect(await readdir(rig.box)).toHaveLength(tenants.length)
    expect(await readdir(rig.around)).toEqual(['box'])
    expect(await rig.blobs.remove('acme', 'same/path', { missingOk: false, signal: never })).toBe(true)
    expect(await pages(rig.blobs, 10, '', 'Acme')).toEqual([['same/path']])
  })

  test('cannot name each other', async () => {
    await using rig = await openBlobRig({ env })
    await rig.blobs.put('acme', 'x', new Uint8Array(1), { overwrite: true, signal: never })
    for (const path of ['acme/x', '../acme/x', './x', '/x']) {
      expect((await refusal(rig.blobs.stat('globex', path, never))).code).toMatch(/INVALID_PATH|FILE_NOT_FOUND/)
    }
    expect(await pages(rig.blobs, 10, 'acme/', 'globex')).toEqual([[]])
  })
})
