import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { rangesOf, removeRanges } from '../../src/dlq/entry-removal.ts'
import { openOwn } from '../../src/dlq/own-file.ts'
import { deadLetterLine } from '../../src/protocol/dead-letter.ts'
import { letter } from '../support/letters.ts'
import { fileWorld } from './file-world.ts'

const { signal } = new AbortController()
const nonBlank = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '')

test('removing leaves every other line as it was, in a copy or in place, and nothing of what is removed', async () => {
  await using world = await fileWorld()
  const draft = join(world.folder, 'draft')
  const line = fc.record({ goes: fc.boolean(), size: fc.constantFrom(0, 10, 70_000, 1_048_400), torn: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 6 }), fc.boolean(), async (plan, fits) => {
      const lines = plan.map(({ goes, size, torn }) => {
        const whole = deadLetterLine(
          letter({ tenantId: goes ? 'goes' : 'stays', assignment: { input: 'x'.repeat(size) } }),
        )
        return { goes: goes && !torn, text: torn ? `${whole.slice(0, -3)}\n` : whole }
      })
      const staying = lines.filter(({ goes }) => !goes).map(({ text }) => text.trim())
      await writeFile(world.path, lines.map(({ text }) => text).join(''))
      {
        await using file = await openOwn(world.path, 'change')
        const opened = { file, ino: 0, end: (await file.stat()).size }
        const { ranges, entries } = await rangesOf(opened, (record) => record.tenant_id === 'goes', signal)
        expect(entries).toBe(lines.length - staying.length)
        await removeRanges({ file, path: world.path, ranges, draft, roomBytes: fits ? 1e9 : -1 })
      }
      const left = await readFile(world.path, 'utf8').catch(() => '')
      expect(nonBlank(left)).toEqual(staying)
      expect(existsSync(world.path)).toBe(staying.length > 0)
      expect(existsSync(draft)).toBe(false)
      if (fits && staying.length > 0) expect(left.length).toBe(staying.reduce((sum, text) => sum + text.length + 1, 0))
      if (staying.length > 0) expect((await stat(world.path)).mode & 0o777).toBe(0o600)
    }),
    { numRuns: 60 },
  )
})

test('what was blanked before goes with the next copy', async () => {
  await using world = await fileWorld()
  const [gone, stays] = [deadLetterLine(letter()), deadLetterLine(letter())]
  await writeFile(world.path, gone + stays)
  for (const roomBytes of [0, 1e9]) {
    await using file = await openOwn(world.path, 'change')
    const opened = { file, ino: 0, end: (await file.stat()).size }
    const { ranges } = await rangesOf(opened, (record) => roomBytes === 0 && gone.includes(record.id), signal)
    await removeRanges({ file, path: world.path, ranges, draft: join(world.folder, 'draft'), roomBytes })
  }
  expect(await readFile(world.path, 'utf8')).toBe(stays)
})
