import { expect, test } from 'bun:test'
import { MemoryHub } from '../../src/bus/memory-bus.ts'
import { encodeText } from '../../src/protocol/json.ts'
import { asking, decide, hearApprovals, request, votingEnv } from '../support/approvals.ts'
import { startRig } from '../support/worker-rig.ts'

const assignSubject = 'caf.exec.assign.v1'

test('a page of a list fits into a message, and the pages together hold every record once', async () => {
  const hub = new MemoryHub({ assignSubject, maxPayload: 70_000 })
  await using rig = await startRig({ env: votingEnv, hub })
  const { requested } = hearApprovals(rig)
  const names = Array.from({ length: 10 }, (_, each) => `a-${each}`)
  for (const name of names) rig.assign(asking({ prompt: 'x'.repeat(15_000) }, name))
  await requested.some(names.length)
  const pages: string[][] = []
  let cursor: unknown
  do {
    const page = await request(rig, 'list', { status: 'pending', ...(cursor !== undefined && { cursor }) })
    expect(encodeText(JSON.stringify(page)).length).toBeLessThanOrEqual(70_000)
    // A page has records.
    const items = page?.['items'] as readonly { readonly assignment_id: string }[]
    pages.push(items.map(({ assignment_id: name }) => name))
    cursor = page?.['next']
  } while (cursor !== undefined && pages.length < 20)
  expect(pages.flat().toSorted()).toEqual(names)
  expect(pages.map(({ length }) => length)).toEqual([4, 4, 2])
})

test('a record that fits nowhere is told in brief in a list, and asked for alone it is said to be too large', async () => {
  const hub = new MemoryHub({ assignSubject, maxPayload: 70_000 })
  await using rig = await startRig({ env: votingEnv, hub })
  const { requested } = hearApprovals(rig)
  rig.assign(asking({ prompt: 'x'.repeat(15_000) }))
  // A record has an id.
  const id = (await requested.first())['approval_id'] as string
  Object.assign(hub, { maxPayload: 10_000 })
  const list = await request(rig, 'list', {})
  expect(list).toMatchObject({ items: [{ approval_id: id, status: 'pending', prompt: '' }] })
  expect(await request(rig, 'get', { approval_id: id })).toMatchObject({ error: { code: 'OUTPUT_TOO_LARGE' } })
  // Its result would not fit either.
  const refused = { ok: false, error: { code: 'QUOTA_EXCEEDED' }, approval: { status: 'pending', prompt: '' } }
  expect(await decide(rig, id, 'Approve')).toMatchObject(refused)
})
