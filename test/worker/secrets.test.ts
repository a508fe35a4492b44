/** Secrets do not leave the process, whatever a job does with them. */
import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { JobError } from '../../src/errors.ts'
import { defineHandler } from '../../src/handler.ts'
import { echo } from '../../src/handlers/echo.ts'
import { startRig } from '../support/worker-rig.ts'

const value = 'hunter2+"hunter2'
const env = { SECRET_X: value, SECRET_X_HOSTS: '*' }

/** Fails with the secret in everything it may say. */
const leaky = defineHandler({
  type: 'leaky',
  summary: 'Tells what it must not.',
  pool: 'io',
  sandbox: 'run',
  effect: () => 'none',
  input: z.unknown(),
  output: z.unknown(),
  example: null,
  sample: null,
  async run(_input, { log }) {
    log.warn(`Here it is: ${value}`, { context: { header: encodeURIComponent(value) }, error: new Error(value) })
    const details = { field: value, encoded: base64(`user:${value}`) }
    throw new JobError('SCRIPT_ERROR', `It said ${value}`, { details, output: { body: JSON.stringify({ value }) } })
  },
})

const own = [echo, leaky]
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const traces = [
  'hunter2',
  encodeURIComponent('+"hunter'),
  base64(value).slice(0, 10),
  base64(`user:${value}`).slice(8, 20),
]

describe('a secret', () => {
  test('stands in no result, log line, dead letter and notification of a job that fails', async () => {
    await using rig = await startRig({ handlers: own, env })
    const payload = { note: value, list: [1, { x: value }] }
    rig.assign({ assignment_id: 'a-1', job: { type: 'leaky', payload } })
    const result = await rig.result('a-1')
    expect(result).toMatchObject({ error_message: 'It said ***', output: { body: '{"value":"***"}' } })
    expect(result['error_details']).toMatchObject({ field: '***' })
    await rig.notifications.first(({ wire }) => wire['assignment_id'] === 'a-1')
    const [letter] = await rig.deadLetters()
    expect(letter).toMatchObject({
      masked: true,
      error_message: 'It said ***',
      assignment: { assignment_id: 'a-1', job: { payload: { note: '***', list: [1, { x: '***' }] } } },
    })
    const said = JSON.stringify([rig.log.all, await rig.deadLetters(), rig.results.all, rig.notifications.all])
    expect(said).toContain('Here it is: ***')
    for (const trace of traces) expect(said).not.toContain(trace)
  })

  test('stands in no result of a job that only repeats its input, nor in the copy of a duplicate', async () => {
    await using rig = await startRig({ env })
    const job = { type: 'echo', payload: [value, 7] }
    rig.assign({ assignment_id: 'a-1', job })
    expect(await rig.result('a-1')).toMatchObject({ status: 'success', output: ['***', 7] })
    rig.assign({ assignment_id: 'a-1', job })
    const [first, second] = (await rig.results.some(2)).map(({ text }) => text)
    expect(second).toBe(first)
  })

  test('stands not in what could not be read', async () => {
    await using rig = await startRig({ env })
    rig.send(`{"not json": ${value}`)
    await rig.notifications.first(({ wire }) => wire['reason'] === 'PARSE_ERROR')
    const [letter] = await rig.deadLetters()
    expect(letter).toMatchObject({ masked: true })
    expect(Buffer.from(String(letter?.['raw']), 'base64').toString()).toBe('{"not json": ***')
  })

  test('that is learned on the way is masked from then on, for its tenant', async () => {
    await using rig = await startRig()
    rig.secrets.learn('acme', 'a-token-met-at-run-time')
    const job = { type: 'echo', payload: 'a-token-met-at-run-time' }
    rig.assign({ assignment_id: 'a-1', job })
    rig.assign({ assignment_id: 'a-2', tenant_id: 'globex', job })
    expect(await rig.result('a-1')).toMatchObject({ output: '***' })
    expect(await rig.result('a-2')).toMatchObject({ output: job.payload })
  })

  test('is not told to those who may not use it, however many values they try', async () => {
    await using rig = await startRig({ env: { ...env, SECRET_X_TENANTS: 'globex' } })
    const payload = [...Array.from({ length: 1000 }, (_, n) => `guess-${n}`), value]
    rig.assign({ assignment_id: 'a-1', job: { type: 'echo', payload } })
    expect(await rig.result('a-1')).toMatchObject({ output: payload })
    rig.assign({ assignment_id: 'a-2', tenant_id: 'globex', job: { type: 'echo', payload } })
    expect(await rig.result('a-2')).toMatchObject({ output: payload.with(-1, '***') })
  })
})
