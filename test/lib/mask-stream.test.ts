import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { secretForms } from '../../src/lib/secret-forms.ts'
import { noMask, SecretMask } from '../../src/lib/secret-mask.ts'
import { LearnedSecrets } from '../../src/lib/secret-set.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { maskOf } from '../support/mask-of.ts'

async function* cut(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0
  for (let turn = 0; start < bytes.length; turn++) {
    const end = start + Math.max(1, lengths[turn % lengths.length] ?? 1)
    yield bytes.subarray(start, end)
    start = end
  }
}

async function gathered(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(pieces))
}

const secretUnit = fc.constantFrom('a', 'b', 'ä', '"', '/', '+', ' ')
const secrets = fc.array(fc.string({ unit: secretUnit, minLength: 4, maxLength: 12 }), { minLength: 1, maxLength: 4 })
/** Much that is harmless between what is not, so that several looks are taken. */
const filler = fc.constantFrom('', 'a', 'ab', 'x'.repeat(70_000), 'a'.repeat(130_000))

function leaks(values: readonly string[]): fc.Arbitrary<string> {
  const forms = values.flatMap((value) => [...secretForms(value)])
  const part = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...forms) },
    fc.constantFrom(...forms).chain((form) => fc.nat(form.length).map((end) => form.slice(0, end))),
    filler,
  )
  return fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''))
}

const cases = secrets.chain((values) =>
  fc.tuple(
    fc.constant(values),
    leaks(values),
    fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 4 }),
  ),
)

describe('masking a stream', () => {
  test('gives what masking the whole gives, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ([values, text, lengths]) => {
        const mask = maskOf(...values)
        const bytes = Buffer.from(text)
        const whole = Buffer.from(mask.bytes(bytes))
        expect((await gathered(mask.stream(cut(bytes, lengths)))).equals(whole)).toBe(true)
      }),
      { numRuns: 150 },
    )
  }, 30_000)

  test('holds back no more than it must', async () => {
    const mask = maskOf('a secret value')
    let given = 0
    let taken = 0
    const source = async function* () {
      for (let piece = 0; piece < 100; piece++) {
        given += 50_000
        yield Buffer.alloc(50_000, 120)
      }
    }
    for await (const piece of mask.stream(source())) {
      taken += piece.length
      expect(given - taken).toBeLessThan(150_000)
    }
    expect(taken).toBe(5_000_000)
  })

  test('leaves nothing of a secret with stars in it, or gives nothing', async () => {
    const mask = maskOf('ab**cd', '***x')
    const text = async (given: string) => (await gathered(mask.stream(cut(Buffer.from(given), [1])))).toString()
    expect(await text('1 ab**cd 2')).toBe('1 *** 2')
    expect(await text('aab**cdb')).toBe('a***b')
    // Whatever stands for it makes it anew.
    await expect(text('ab**cdxxxxxxx')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  test('knows nothing, and is in nobody’s way', async () => {
    const pieces = cut(Buffer.from('abc'), [1])
    expect(noMask.stream(pieces)).toBe(pieces)
    expect(maskOf().stream(pieces)).toBe(pieces)
  })

  test('finds what is learned while it runs', async () => {
    const learned = new LearnedSecrets({ maxEntries: 9, maxSize: 999, maxAgeMs: 999 }, new FakeClock())
    learned.learn('the first secret')
    const source = async function* () {
      yield Buffer.from('the first secret, ')
      learned.learn('the second and much longer secret')
      yield Buffer.from('the second and much ')
      yield Buffer.from('longer secret')
    }
    const mask = new SecretMask(() => [learned])
    expect((await gathered(mask.stream(source()))).toString()).toBe('***, ***')
  })
})
