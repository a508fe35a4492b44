import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { secretForms } from '../../src/lib/secret-forms.ts'
import { noMask, SecretMask } from '../../src/lib/secret-mask.ts'
import type { LastingSecrets } from '../../src/lib/secret-set.ts'
import { maskOf, secretSet } from '../support/mask-of.ts'
import { processorMs } from '../support/processor-time.ts'

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
    ['in hex', Buffer.from(value).toString('hex')],
    ['in hex in capitals', Buffer.from(value).toString('hex').toUpperCase()],
    ['in base64', base64(value)],
    ['in base64 without padding', base64(value).replaceAll('=', '')],
    ['in base64url', Buffer.from(value).toString('base64url')],
    ['percent-encoded', encodeURIComponent(value)],
    ['percent-encoded in lower case', encodeURIComponent(value).replaceAll(/%../g, (code) => code.toLowerCase())],
    ['as a form is encoded', new URLSearchParams({ k: value }).toString().slice(2)],
    ['as JSON', JSON.stringify(value).slice(1, -1)],
    ['as JSON with backslashes before slashes', JSON.stringify(value).slice(1, -1).replaceAll('/', '\\/')],
    ['as Go writes JSON', 's3cr/t+k y\\u0026\\"ü'],
    ['as Python writes JSON', 's3cr/t+k y&\\"\\u00fc'],
    ['as PHP writes JSON', 's3cr\\/t+k y&\\"\\u00fc'],
    ['as .NET writes JSON', 's3cr/t\\u002Bk y\\u0026\\u0022\\u00FC'],
    ['as HTML', 's3cr/t+k y&amp;&quot;ü'],
    ['as text in HTML', 's3cr/t+k y&amp;"ü'],
    ['as Go writes HTML', 's3cr/t+k y&amp;&#34;ü'],
    ['as templates write HTML', 's3cr&#x2F;t+k y&amp;&quot;ü'],
    ['as HTML in numbers', 's3cr/t+k y&#38;&#34;ü'],
    ['as HTML in hex', 's3cr/t+k y&#x26;&#x22;ü'],
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

  test.each([
    ["it's <b>", 'it&#39;s &lt;b&gt;'],
    ["it's <b>", 'it&#x27;s &lt;b&gt;'],
    ["it's <b>", 'it&#039;s &lt;b&gt;'],
    ["it's <b>", 'it&apos;s &lt;b&gt;'],
    ["it's <b>", "it's &lt;b&gt;"],
    ["it's <b>", 'it\\u0027s \\u003Cb\\u003E'],
    ["it's <b>", 'it&#39;s &#60;b&#62;'],
    ["it's <b>", 'it&#x27;s &#x3C;b&#x3E;'],
    ["it's <b>", "it's \\u003cb\\u003e"],
  ])('%s as %s', (value, written) => {
    expect(maskOf(value).text(`<${written}>`)).toBe('<***>')
    expect(maskOf(value).json(JSON.stringify(written))).toBe('"***"')
  })

  test('in few forms, where it holds nothing special', () => {
    expect(secretForms('4f9a1b7c3dE8XyZ').size).toBeLessThanOrEqual(8)
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
    expect(mask.text('<abcdxx>')).toBe('<***>')
    expect(mask.text(`abcd${'x'.repeat(100_000)}`)).toBe('***')
  })
})

test('a value that is too short is not looked for', () => {
  expect(maskOf('abc').text('abcdefg')).toBe('abcdefg')
  expect(maskOf('abcd').text('abcdefg')).toBe('***efg')
})

describe('what is the worker’s own is left as it is', () => {
  const mask = maskOf('abcd', '1234')
  const json = '{"abcd":["abcd",12345,{"x":"1234"}]}'

  test('names', () => {
    expect(mask.json(json, 'keys')).toBe('{"abcd":["***","***",{"x":"***"}]}')
    expect(mask.data({ abcd: 'abcd' }, 'keys')).toEqual({ abcd: '***' })
    const named = { abcd: 1 }
    expect(mask.data(named, 'keys')).toBe(named)
  })

  test('names and numbers', () => {
    expect(mask.json(json, 'keys and numbers')).toBe('{"abcd":["***",12345,{"x":"***"}]}')
  })

  test('nothing', () => {
    expect(mask.json(json)).toBe('{"***":["***","***",{"x":"***"}]}')
  })
})

describe('several sets', () => {
  test('are masked as one', () => {
    const sets = [secretSet('abcdef', 'lonely'), secretSet(), secretSet('defghi')]
    const mask = new SecretMask(() => sets)
    expect(mask.text('<abcdefghi> lonely')).toBe('<***> ***')
    expect(mask.json('{"a":"<abcdefghi>"}')).toBe('{"a":"<***>"}')
  })

  test('are asked for each time', () => {
    const sets: LastingSecrets[] = []
    const mask = new SecretMask(() => sets)
    expect(mask.text('abcdef')).toBe('abcdef')
    const set = secretSet('abcdef')
    sets.push(set)
    expect(mask.text('abcdef shrt')).toBe('*** shrt')
    set.add('shrt')
    expect(mask.text('abcdef shrt')).toBe('*** ***')
  })
})

test('JSON full of hits is masked in a time that grows with its length', () => {
  const json = JSON.stringify(Array.from({ length: 100_000 }, (_, n) => `a"b hunter2-hunter2 ${n}`))
  const mask = maskOf('hunter2-hunter2')
  // It takes about 100 ms.
  expect(processorMs(() => expect(mask.json(json)).not.toContain('hunter'))).toBeLessThan(2000)
})
