import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { secretForms } from '../../src/lib/secret-forms.ts'
import { noMask, SecretMask } from '../../src/lib/secret-mask.ts'

function maskOf(...values: readonly string[]): SecretMask {
  const mask = new SecretMask()
  for (const value of values) mask.add(value)
  return mask
}

const secretUnit = fc.oneof(
  fc.constantFrom('a', 'b', '*', '"', '\\', '/', '+', ' ', '\n', '5'),
  fc.string({ minLength: 1, maxLength: 1 }),
)
const secret = fc.string({ unit: secretUnit, minLength: 4, maxLength: 12 })
const secrets = fc.array(secret, { minLength: 1, maxLength: 5 })

/** Texts in which the secrets stand in all their forms, side by side and overlapping. */
function leaks(values: readonly string[]): fc.Arbitrary<string> {
  const forms = values.flatMap((value) => [...secretForms(value)])
  const part = fc.oneof(
    fc.constantFrom(...forms),
    fc.constantFrom(...forms).chain((form) => fc.nat(form.length).map((end) => form.slice(0, end))),
    fc.string({ unit: secretUnit, maxLength: 4 }),
  )
  return fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''))
}

const leakyText = secrets.chain((values) => fc.tuple(fc.constant(values), leaks(values)))

/** Every string, key and number in a JSON value, as text. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)]
  if (typeof value !== 'object' || value === null) return []
  return Array.isArray(value) ? value.flatMap(textsIn) : Object.entries(value).flat().flatMap(textsIn)
}

function expectClean(texts: readonly string[], values: readonly string[]): void {
  for (const value of values) {
    for (const form of secretForms(value)) for (const text of texts) expect(text).not.toContain(form)
  }
}

describe('whatever the secrets and the text', () => {
  test('no form of a secret is left in a text, nor in bytes', () => {
    fc.assert(
      fc.property(leakyText, ([values, text]) => {
        const mask = maskOf(...values)
        expectClean([mask.text(text)], values)
        // Half a surrogate pair has no bytes.
        const bytes = Buffer.from(mask.bytes(Buffer.from(text.toWellFormed())))
        const clean = values.filter((value) => value.isWellFormed())
        expectClean([bytes.toString('utf8')], clean)
      }),
      { numRuns: 500 },
    )
  })

  test('no form of a secret is left in the strings, keys and numbers of JSON, and it stays JSON', () => {
    const documents = leakyText.chain(([values, text]) =>
      fc.tuple(
        fc.constant(values),
        fc.object({
          key: fc.oneof(fc.constant(text), fc.string({ maxLength: 3 })),
          values: [fc.constant(text), leaks(values), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })],
        }),
      ),
    )
    fc.assert(
      fc.property(documents, ([values, document]) => {
        const mask = maskOf(...values, '12345', '67890')
        const result: unknown = JSON.parse(mask.json(JSON.stringify(document)))
        expectClean(textsIn(result), [...values, '12345'])
        expect(mask.data(document)).toEqual(result as typeof document)
      }),
      { numRuns: 500 },
    )
  })

  test('what holds no secret comes back as the same object', () => {
    fc.assert(
      fc.property(fc.json(), fc.uuid(), (json, value) => {
        const mask = maskOf(value)
        const [bytes, data] = [new TextEncoder().encode(json), { json }]
        expect(mask.json(json)).toBe(json)
        expect(mask.text(json)).toBe(json)
        expect(mask.bytes(bytes)).toBe(bytes)
        expect(mask.data(data)).toBe(data)
        expect(noMask.json(json)).toBe(json)
        expect(noMask.bytes(bytes)).toBe(bytes)
      }),
    )
  })
})

describe('a secret is masked', () => {
  const value = 's3cr/t+k y&"ü'
  const mask = maskOf(value)
  const base64 = (text: string): string => Buffer.from(text).toString('base64')

  test.each([
    ['as it is', value],
    ['in base64', base64(value)],
    ['in base64 without padding', base64(value).replaceAll('=', '')],
    ['in base64url', Buffer.from(value).toString('base64url')],
    ['percent-encoded', encodeURIComponent(value)],
    ['percent-encoded in lower case', encodeURIComponent(value).replaceAll(/%../g, (code) => code.toLowerCase())],
    ['as a form is encoded', new URLSearchParams({ k: value }).toString().slice(2)],
    ['as JSON', JSON.stringify(value).slice(1, -1)],
    ['as JSON with backslashes before slashes', JSON.stringify(value).slice(1, -1).replaceAll('/', '\\/')],
  ])('%s', (_how, form) => {
    expect(mask.text(`<${form}>`)).toBe('<***>')
    expect(Buffer.from(mask.bytes(Buffer.from(`<${form}>`))).toString()).toBe('<***>')
    expect(mask.json(JSON.stringify({ [form]: `<${form}>` }))).toBe('{"***":"<***>"}')
  })

  test('in base64 of something around it, wherever it stands', () => {
    const value = 'correct-horse-battery'
    for (const before of ['', 'u', 'us', 'use', 'user:']) {
      const text = maskOf(value).text(base64(`${before}${value}:and more`))
      expect(text).toContain('***')
      expect(Buffer.from(text.replace('***', ''), 'base64').toString('latin1')).not.toContain('rrect-horse')
    }
  })

  test('in a number, which becomes text', () => {
    expect(maskOf('1234').json('{"a":[0.12345,12,-1234e5,true],"b":1}')).toBe('{"a":["***",12,"***",true],"b":1}')
  })

  test('whole, where it overlaps another one or contains one', () => {
    expect(maskOf('abcdef', 'defghi').text('<abcdefghi>')).toBe('<***>')
    expect(maskOf('abcd', 'xabcdx').text('<xabcdx> <abcdx>')).toBe('<***> <***x>')
  })

  test('also when it has stars of its own', () => {
    expect(maskOf('****').text('a****b')).toBe('a***b')
    expect(maskOf('abcd', 'x***y').text('<xabcdy>')).toBe('<***>')
  })

  test('without cutting an escape in two', () => {
    const json = JSON.stringify({ a: '\nabcd', b: 'nabcd' })
    expect(mask.json(json)).toBe(json)
    expect(maskOf('nabcd').json(json)).toBe('{"a":"\\nabcd","b":"***"}')
  })

  test('however deep it lies, and all around it stays as it was written', () => {
    const deep = `${'['.repeat(100_000)}"hunter2-hunter2", 1e400, "\\u0061"${']'.repeat(100_000)}`
    expect(maskOf('hunter2-hunter2').json(deep)).toBe(deep.replace('hunter2-hunter2', '***'))
  })

  test('within bounded time, even where masking makes new secrets', () => {
    const mask = maskOf('abcd', '***x')
    expect(mask.text(`<abcd${'x'.repeat(3)}>`)).toBe('<***>')
    expect(mask.text(`abcd${'x'.repeat(100_000)}`)).toBe('***')
  })
})

describe('values', () => {
  test('that are too short are not looked for', () => {
    const mask = maskOf('abc')
    mask.learn('abcdefg')
    expect(mask.text('abcdefg')).toBe('abcdefg')
    expect(maskOf('abcd').text('abcdefg')).toBe('***efg')
  })

  test('that are learned are forgotten when there are too many, the oldest first; those used again are kept', () => {
    const mask = maskOf('configured')
    const token = (n: number): string => `token-${n}-of-many`
    mask.learn(token(0))
    mask.learn(token(1))
    for (let n = 2; n < 1000; n++) mask.learn(token(n))
    mask.learn(token(0))
    expect(mask.text(token(1))).toBe('***')
    for (let n = 1000; n < 1900; n++) mask.learn(token(n))
    expect(mask.text(`${token(0)} configured`)).toBe('*** ***')
    expect(mask.text(token(1))).toBe(token(1))
    for (let n = 1000; n < 1900; n++) expect(mask.text(token(n))).toBe('***')
  })

  test('that are learned take a bounded room', () => {
    const mask = maskOf('configured')
    const long = (n: number): string => `${n} ${'x'.repeat(16_000)}`
    for (let n = 0; n < 100; n++) mask.learn(long(n))
    mask.learn('y'.repeat(16_385))
    expect(mask.text(long(0))).toBe(long(0))
    expect(mask.text(long(99))).toBe('***')
    expect(mask.text('y'.repeat(16_385))).toStartWith('yyy')
  })

  test('are looked for as soon as they are known, also shorter ones than before', () => {
    const mask = maskOf('a-very-long-configured-secret')
    expect(mask.text('shrt')).toBe('shrt')
    mask.add('shrt')
    mask.learn('another-token')
    expect(mask.text('shrt another-token a-very-long-configured-secret')).toBe('*** *** ***')
  })
})
