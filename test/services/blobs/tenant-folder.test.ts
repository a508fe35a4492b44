import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { isSafeSegment } from '../../../src/lib/safe-path.ts'
import { tenantFolder } from '../../../src/services/blobs/tenant-folder.ts'

test('plain names stay readable', () => {
  expect(tenantFolder('acme-2_x')).toBe('acme-2_x')
  expect(tenantFolder('Acme')).toBe('%41cme')
  expect(tenantFolder('../a')).toBe('%2e%2e%2fa')
  expect(tenantFolder('con')).toBe('%63on')
  expect(tenantFolder('ä')).toBe('%c3%a4')
})

const anyId = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom('\ud800', '\ud801', '\ufffd', '%', '~', ''),
)

test('every folder is a plain name', () => {
  fc.assert(
    fc.property(anyId, (id) => {
      const name = tenantFolder(id)
      expect(name).toMatch(/^[a-z0-9_%~-]{1,140}$/)
      expect(isSafeSegment(name)).toBe(true)
    }),
  )
})

test('no two tenants share one, whatever a file system makes of upper and lower case', () => {
  const alike = anyId.chain((id) =>
    fc.constantFrom(id, id.toUpperCase(), id.toLowerCase(), `${id} `, id.normalize('NFD'), tenantFolder(id)),
  )
  fc.assert(
    fc.property(fc.tuple(anyId, alike), ([a, b]) => {
      expect(tenantFolder(a).toLowerCase() === tenantFolder(b).toLowerCase()).toBe(a === b)
    }),
  )
  const long = 'x'.repeat(300)
  expect(new Set([long, `${long}x`, long.toUpperCase(), '\ud800', '\ud801', '\ufffd'].map(tenantFolder)).size).toBe(6)
})
