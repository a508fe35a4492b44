import { expect, test } from 'bun:test'
import { runBeamline, startBeamline } from '../support/beamline-process.ts'

const json = { 'content-type': 'application/json' }

/** Runs `beamline approvals` against the API at `url`. */
const ask = (url: string, ...args: readonly string[]) => runBeamline(['approvals', ...args, '--url', url])

test('approvals are listed, shown and decided from the command line', async () => {
  await using worker = await startBeamline(['dev'])
  const url = await worker.ready()
  const payload = { prompt: 'Shall we?', approvers: ['ann', 'bob'], options: ['No', 'Yes'], approve_options: ['Yes'] }
  const body = JSON.stringify({ assignment_id: 'a-1', type: 'human_approval', payload })
  await fetch(`${url}/v1/jobs?wait=0`, { method: 'POST', headers: json, body })
  const list = await ask(url, 'list')
  expect(list.code).toBe(0)
  expect(list.stdout).toEqual([expect.stringContaining('Shall we?')])
  const id = /ap_\w+/.exec(list.stdout[0] ?? '')?.[0] ?? ''
  expect((await ask(url, 'show', id)).stdout.join('\n')).toContain('Shall we?')
  const stranger = await ask(url, 'approve', id, '--as', 'eve')
  expect([stranger.code, stranger.stderr]).toEqual([1, ['beamline: Not one of the approvers.']])
  const [approved] = (await ask(url, 'approve', id, '--as', 'Ann', '--comment', 'Go on', '--json')).stdout
  expect(JSON.parse(approved ?? '')).toMatchObject({
    status: 'decided',
    decision: 'Yes',
    approver: 'ann',
    comment: 'Go on',
  })
  expect((await ask(url, 'reject', id, '--as', 'bob')).stderr).toEqual(['beamline: It has ended.'])
  expect((await ask(url, 'list')).stdout).toEqual([])
  expect((await ask(url, 'list', '--status', 'decided')).stdout).toHaveLength(1)
  expect((await ask(url, 'show', 'ap_none')).code).toBe(1)
}, 30_000)

test('what was called wrongly ends with 2, and what nobody answers with 3', async () => {
  expect((await runBeamline(['approvals'])).code).toBe(2)
  expect((await runBeamline(['approvals', 'approve'])).code).toBe(2)
  expect((await runBeamline(['approvals', 'ponder', 'ap_1'])).code).toBe(2)
  expect((await ask('http://127.0.0.1:1', 'list')).code).toBe(3)
}, 30_000)

test('run asks nobody, but in sandbox mode', async () => {
  const stdin = '{"type":"human_approval","payload":{"prompt":"Shall we?","response":"Reject"}}'
  const refused = await runBeamline(['run', '-'], {}, { stdin })
  expect(refused.code).toBe(1)
  expect(JSON.parse(refused.stdout[0] ?? '')).toMatchObject({ status: 'error', error_code: 'PERMISSION_DENIED' })
  const sample = await runBeamline(['run', '-'], { WORKER_SANDBOX_MODE: 'true' }, { stdin })
  expect(JSON.parse(sample.stdout[0] ?? '')).toMatchObject({ status: 'success', output: { decision: 'Reject' } })
}, 30_000)
