import { expect, test } from 'bun:test'
import { startRig } from '../support/worker-rig.ts'

async function resultOf(payload: unknown, job: Readonly<Record<string, unknown>> = {}) {
  await using rig = await startRig()
  rig.assign({ job: { type: 'jmespath', payload, ...job } })
  return await rig.result('a-1')
}

test('the output is the value, and nothing when there is none', async () => {
  const data = { people: [{ name: 'Ada', age: 36 }, { name: 'Eve' }] }
  expect(await resultOf({ expression: 'people[?age].name', data })).toMatchObject({
    status: 'success',
    output: ['Ada'],
  })
  const none = await resultOf({ expression: 'animals', data })
  expect(none['status']).toBe('success')
  expect(none).not.toHaveProperty('output')
})

test('the other spelling', async () => {
  const result = await resultOf({ expression: '@', data: 5 }, { type: 'script.jmespath' })
  expect(result).toMatchObject({ output: 5, job: { type: 'script.jmespath' } })
})

test.each<[payload: unknown, output: unknown]>([
  [{ expression: 'type(@)' }, 'null'],
  [{ expression: 'type(@)', data: null }, 'null'],
  [{ expression: 'length(@)', data: 'é🙂' }, 2],
  [{ expression: '[constructor, __proto__, toString]', data: {} }, [null, null, null]],
])('%j', async (payload, output) => {
  expect((await resultOf(payload))['output']).toEqual(output as never)
})

test('errors say what and where', async () => {
  expect(await resultOf({ expression: 'foo.[', data: {} })).toMatchObject({
    error_code: 'JMESPATH_COMPILE_ERROR',
    error_details: { position: 5 },
  })
  expect(await resultOf({ expression: 'abs(@)', data: 'x' })).toMatchObject({
    error_code: 'JMESPATH_RUNTIME_ERROR',
    error_details: { position: 0 },
  })
  const doubling = { expression: `@${'|[@,@]'.repeat(40)}`, data: 1 }
  expect(await resultOf(doubling)).toMatchObject({ error_code: 'SCRIPT_LIMIT_EXCEEDED' })
})

test.each<[payload: unknown, code: string]>([
  [{}, 'MISSING_REQUIRED_FIELD'],
  [{ data: {} }, 'MISSING_REQUIRED_FIELD'],
  [{ expression: 5 }, 'INVALID_INPUT'],
  [{ expression: '@', timeout_ms: -1 }, 'INVALID_INPUT'],
])('the input %j is refused', async (payload, code) => {
  expect(await resultOf(payload)).toMatchObject({ status: 'error', error_code: code })
})

test('an expression that takes too long ends with its time', async () => {
  const data = Array.from({ length: 100_000 }, (_, index) => index)
  const payload = { expression: 'length([?length($[?@ == `-1`]) == `1`])', data, timeout_ms: 200 }
  const result = await resultOf(payload)
  expect(result).toMatchObject({ status: 'timeout', error_code: 'TIMEOUT' })
  expect(result['latency_ms']).toBeWithin(199, 3000)
})
