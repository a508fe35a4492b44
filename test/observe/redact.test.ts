import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { isSensitiveKey, redact, redactText } from '../../src/observe/redact.ts'

const words = ['password', 'secret', 'token', 'api_key', 'authorization', 'cookie', 'credit_card', 'ssn']
const hidden = 'hunter2hunter2'

describe('texts', () => {
  test.each([
    ['postgres://user:p@ss/w@db:5432/x', 'postgres://***@db:5432/x'],
    ['nats://u:p@h1:4222,nats://t@h2', 'nats://***@h1:4222,nats://***@h2'],
    ['see https://u:p@host/x', 'see https://***@host/x'],
    ['https://api.example.com/users/@me', 'https://api.example.com/users/@me'],
    ['user:pw@localhost:4222', '***@localhost:4222'],
    ['mail bob.b+x@mail.example.com now', 'mail ***@***.*** now'],
    ['Authorization: Bearer abcdef.ghi', 'Authorization: Bearer [redacted]'],
    ['GET /x?api_key=abc&y=1', 'GET /x?api_key=[redacted]&y=1'],
    ['nothing to hide', 'nothing to hide'],
  ])('%p is shown as %p', (text, shown) => {
    expect(redactText(text)).toBe(shown)
  })

  test('the userinfo of any URL is gone, wherever it stands', () => {
    const scheme = fc.constantFrom('http', 'https', 'nats', 'tls', 'postgres', 'postgresql+ssl', 'redis')
    const around = fc.string({ maxLength: 20 })
    fc.assert(
      fc.property(scheme, around, around, (name, before, after) => {
        expect(redactText(`${before} ${name}://user:${hidden}@host/x ${after}`)).not.toContain(hidden)
      }),
    )
  })

  test('e-mail addresses are gone', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.lorem(), (address, text) => {
        // With one of these before the @ it might as well be our own mark or a path.
        fc.pre(!/[*/=]@/.test(address))
        expect(redactText(`${text} <${address}> ${text}`)).not.toContain(address)
      }),
    )
  })

  test('is never longer than it may be', () => {
    expect(redactText('x'.repeat(1_000_000)).length).toBeLessThan(5000)
  })
})

describe('values', () => {
  test('keys are sensitive in any case and with any separators', () => {
    const spelling = fc
      .constantFrom(...words)
      .chain((word) =>
        fc.constantFrom(word, word.toUpperCase(), word.replace('_', ''), word.replace('_', '-'), `x_${word}_y`),
      )
    fc.assert(fc.property(spelling, (key) => expect(isSensitiveKey(key)).toBe(true)))
    expect(['name', 'id', 'attempts', 'job_type', 'sessions'].filter(isSensitiveKey)).toEqual([])
  })

  test('nothing under a sensitive key is shown, at any depth', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 8 }, fc.jsonValue({ maxDepth: 1 }), tie('list'), tie('record')),
      list: fc.array(tie('any'), { maxLength: 3 }),
      record: fc.dictionary(fc.string(), tie('any'), { maxKeys: 3 }),
    }))
    const planted = fc.tuple(value.any, fc.constantFrom(...words), fc.nat(8)).map(([rest, key, depth]) => {
      let root: unknown = { rest, [key]: { deep: [hidden] }, [`my_${key}`]: hidden }
      for (let level = 0; level < depth; level += 1) root = level % 2 === 0 ? [root] : { root }
      return root
    })
    fc.assert(fc.property(planted, (root) => expect(JSON.stringify(redact(root))).not.toContain(hidden)))
  })

  test('never throws, and what it gives is JSON, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withNullPrototype: true,
          withSparseArray: true,
        }),
        (value) => {
          const text = JSON.stringify({ copy: redact(value) })
          expect(JSON.stringify(JSON.parse(text))).toBe(text)
        },
      ),
    )
  })

  test('survives cycles, failing getters, hostile proxies and strange numbers', () => {
    const cycle: Record<string, unknown> = { n: Number.NaN, big: 10n, when: new Date(Number.NaN), fn: () => 1 }
    cycle['self'] = cycle
    const failing = {
      get value(): never {
        throw new Error('no')
      },
    }
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
        getPrototypeOf: () => {
          throw new Error('no')
        },
      },
    )
    expect(redact({ cycle, failing, proxy, bytes: new Uint8Array(3) })).toEqual({
      cycle: { n: 'NaN', big: '10', when: '[invalid date]', fn: '[function]', self: '[cycle]' },
      failing: { value: '[unreadable]' },
      proxy: '[unreadable]',
      bytes: '[3 bytes]',
    })
  })

  test('is bounded in depth, breadth and number', () => {
    let deep: unknown = 'end'
    for (let level = 0; level < 100; level += 1) deep = { deep }
    expect(JSON.stringify(redact(deep)).length).toBeLessThan(200)
    expect(JSON.stringify(redact(Array.from({ length: 100_000 }, () => 1))).length).toBeLessThan(200)
    const wide = (depth: number): unknown => (depth === 0 ? 1 : Array.from({ length: 50 }, () => wide(depth - 1)))
    expect(JSON.stringify(redact(wide(3))).length).toBeLessThan(60_000)
  })

  test('an error is its name, message, code and cause', () => {
    const error = Object.assign(new TypeError('broke on u:hunter2@h'), { code: 'E1', payload: hidden })
    expect(redact(new Error('outer', { cause: error }))).toEqual({
      name: 'Error',
      message: 'outer',
      cause: { name: 'TypeError', message: 'broke on ***@h', code: 'E1' },
    })
  })
})
