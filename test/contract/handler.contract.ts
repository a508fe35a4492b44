/** What every handler promises, whatever it does. */
import { describe, expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { type Handler, Parked } from '../../src/handler.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { decodeAssignment } from '../../src/protocol/codec.ts'
import { prepare } from '../../src/worker/prepare.ts'
import { Registry } from '../../src/worker/registry.ts'

/** Inputs that make no sense to a handler which wants anything in particular. */
const nonsense: readonly unknown[] = [17, 'nonsense', true, [], ['nonsense'], [null], { nonsense: { deep: [] } }]
/** Values of no field's type, all at once. */
const wrongValue = { nonsense: [null] }
const settleWithinMs = 100

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined })

function contextWith(signal: AbortSignal) {
  const ids = { assignmentId: 'contract-1', tenantId: 'contract', userId: undefined }
  return {
    signal,
    clock: systemClock,
    log,
    attempt: 1,
    pauseTime: () => undefined,
    resumeTime: () => 60_000,
    maxOutputBytes: 1024 * 1024,
    timeLeftMs: () => 60_000,
    ...ids,
  }
}

/** What becomes of a payload before the handler runs: `runs`, or the code it is refused with. */
function fate(handler: Handler, payload: unknown): string {
  const message = { version: '1', assignment_id: 'a', tenant_id: 't', job: { type: handler.type, payload } }
  const decoded = decodeAssignment(new TextEncoder().encode(JSON.stringify(message)), {})
  if (decoded.kind !== 'assignment') throw new Error(`${handler.type} is no job type`)
  const { assignment } = decoded
  try {
    prepare({ handler, assignment }, assignment.input.kind === 'value' ? assignment.input.value : undefined)
    return 'runs'
  } catch (error) {
    return error instanceof JobError ? error.code : String(error)
  }
}

function takesAnything(handler: Handler): boolean {
  return nonsense.every((input) => handler.input.safeParse(input).success)
}

/** The example with one field after the other made wrong, but for those that any object suits. */
function spoilt(example: unknown, lenient: readonly string[]): readonly unknown[] {
  if (typeof example !== 'object' || example === null) return []
  const strict = Object.keys(example).filter((key) => !lenient.includes(key))
  return strict.map((key) => ({ ...example, [key]: wrongValue }))
}

type ByType = Readonly<Record<string, unknown>>

/** Inputs for where the example of a type will not do. */
interface Inputs {
  /** By type, an input that runs here, where the example needs the world outside. */
  readonly runnable?: ByType
  /** By type, an input that takes longer than a second. */
  readonly slow?: ByType
  /** By type, the fields of its example that any object suits. */
  readonly lenient?: Readonly<Record<string, readonly string[]>>
}

/** Runs the contract over a list of handlers. */
export function handlerContract(
  handlers: readonly Handler[],
  { runnable = {}, slow = {}, lenient = {} }: Inputs = {},
): void {
  test('no two handlers share a spelling', () => {
    expect(() => new Registry(handlers)).not.toThrow()
  })

  describe.each(handlers.map((handler) => [handler.type, handler] as const))('%s', (type, handler) => {
    test('says in one sentence what it is', () => {
      expect(handler.summary).toMatch(/^[A-Z].{8,}[^.]\.$/)
      expect(type).toMatch(/^[a-z][a-z\d_]*$/)
    })

    test('refuses input that makes no sense, unless all input does', () => {
      const wrong = spoilt(handler.example, lenient[type] ?? [])
      const fates = [...nonsense, ...wrong].map((input) => fate(handler, input))
      if (takesAnything(handler)) return expect(new Set(fates)).toEqual(new Set(['runs']))
      expect(fates.filter((code) => code !== 'runs')).not.toEqual([])
      for (const code of fates) expect(['INVALID_INPUT', 'MISSING_REQUIRED_FIELD', 'runs']).toContain(code)
      // What is no object at all is never input, and neither is an example with a field of no type.
      for (const input of [17, 'nonsense', true, ...wrong]) expect(fate(handler, input)).not.toBe('runs')
    })

    test('has an example that runs, and an output that fits and survives JSON', async () => {
      expect(fate(handler, handler.example)).toBe('runs')
      const input = handler.input.parse(runnable[type] ?? handler.example)
      const output = await handler.run(input, contextWith(new AbortController().signal))
      // What waits for people has its output from them.
      if (output instanceof Parked) return
      expect(handler.output.safeParse(output).error).toBeUndefined()
      expect(JSON.parse(JSON.stringify(output)) as unknown).toEqual(output as never)
    })

    test('has a sample that fits its output and survives JSON', () => {
      expect(handler.output.safeParse(handler.sample).error).toBeUndefined()
      expect(JSON.parse(JSON.stringify(handler.sample)) as unknown).toEqual(handler.sample as never)
    })

    test('knows the effect of its example, and asks for at least one try', () => {
      const input = handler.input.parse(handler.example)
      expect(['none', 'idempotent', 'once']).toContain(handler.effect(input))
      for (const asked of [undefined, { maxAttempts: 3, backoffMs: 10, maxBackoffMs: 100 }]) {
        const policy = handler.retry?.(input, asked)
        if (policy !== undefined) expect(policy.maxAttempts).toBeGreaterThanOrEqual(1)
      }
    })

    test('stops within a tenth of a second of its signal, before and while it runs', async () => {
      const input = handler.input.parse(slow[type] ?? runnable[type] ?? handler.example)
      for (const before of [true, false]) {
        const controller = new AbortController()
        if (before) controller.abort(new Error('stop'))
        const run = Promise.resolve(handler.run(input, contextWith(controller.signal))).catch(() => undefined)
        if (!before) controller.abort(new Error('stop'))
        const limit = new AbortController()
        const late = systemClock.sleep(settleWithinMs, limit.signal).then(
          () => 'late',
          () => undefined,
        )
        expect(await Promise.race([run.then(() => 'stopped'), late])).toBe('stopped')
        limit.abort()
      }
    })
  })
}
