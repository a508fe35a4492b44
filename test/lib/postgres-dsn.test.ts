import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Dsn, DsnError, type DsnOrigin, parseDsn } from '../../src/lib/postgres-dsn.ts'
import { hostileDsns } from '../support/hostile-dsns.ts'

const plain: Dsn = {
  host: 'db.example',
  port: 5432,
  user: 'ann',
  password: '',
  database: 'ann',
  tls: 'prefer',
  rootCertificate: undefined,
  channelBinding: 'prefer',
  applicationName: 'beamline',
  options: '',
  connectTimeoutMs: undefined,
}

describe('what is taken', () => {
  const taken: readonly (readonly [string, Partial<Dsn>])[] = [
    ['postgres://ann@db.example', {}],
    ['postgresql://ann@db.example/', {}],
    ['PostgreSQL://ann@DB.Example./?', {}],
    ['postgres://ann:secret@db.example:6543/orders', { password: 'secret', port: 6543, database: 'orders' }],
    ['postgres://ann:@db.example/orders', { database: 'orders' }],
    ['postgres://a%40b:p%2F%3A%3F%23%25%20@db.example/d%2Fb', { user: 'a@b', password: 'p/:?#% ', database: 'd/b' }],
    ['postgres://ann:a:b+c@db.example', { password: 'a:b+c' }],
    ['postgres://ann:%C3%A9@db.example', { password: 'é' }],
    ['postgres://ann:é@db.example', { password: 'é' }],
    ['postgres://ann@10.0.0.1', { host: '10.0.0.1' }],
    ['postgres://ann@0x7f.1', { host: '127.0.0.1' }],
    ['postgres://ann@[2001:DB8::1]:6543', { host: '2001:db8::1', port: 6543 }],
    ['postgres://ann@my_db', { host: 'my_db' }],
    ['postgres://ann@db.example?sslmode=verify-full', { tls: 'verify-full' }],
    [
      'postgres://ann@db.example?sslmode=require&channel_binding=require',
      { tls: 'require', channelBinding: 'require' },
    ],
    ['postgres://ann@db.example?connect_timeout=3&target_session_attrs=any', { connectTimeoutMs: 3000 }],
    ['postgres://ann@db.example?connect_timeout=0', {}],
    ['postgres://ann@db.example?application_name=a%20b', { applicationName: 'a b' }],
  ]
  for (const [text, differs] of taken) {
    test(text, () => {
      expect(parseDsn(text, 'inline')).toEqual({ ...plain, ...differs })
      expect(parseDsn(text, 'named')).toEqual({ ...plain, ...differs })
    })
  }
})

describe('what the operator may say', () => {
  const taken: readonly (readonly [string, Partial<Dsn>])[] = [
    ['postgres://ann@/orders?host=/run/postgresql', { host: '/run/postgresql', database: 'orders' }],
    ['postgres://ann@:6543/orders?host=/run/postgresql', { host: '/run/postgresql', port: 6543, database: 'orders' }],
    ['postgres://ann@db.example?options=-c%20search_path%3Dapp', { options: '-c search_path=app' }],
    ['postgres://ann@db.example?sslmode=require&sslrootcert=/ca.pem', { tls: 'verify-ca', rootCertificate: '/ca.pem' }],
    ['postgres://ann@db.example?sslrootcert=/ca.pem', { rootCertificate: '/ca.pem' }],
    ['postgres://ann@db.example?sslrootcert=system', { tls: 'verify-full' }],
  ]
  for (const [text, differs] of taken) {
    test(text, () => {
      expect(parseDsn(text, 'named')).toEqual({ ...plain, ...differs })
      expect(ruleOf(text, 'inline')).toMatch(/^(parameter|host)$/)
    })
  }

  test('and what not even the operator may say', () => {
    for (const [query, rule] of [
      ['sslcert=/x', 'parameter'],
      ['host=relative', 'value'],
      ['host=@abstract', 'value'],
      ['host=/a,/b', 'value'],
    ]) {
      expect([query, ruleOf(`postgres://ann@/db?${query}`, 'named')]).toEqual([query, rule])
    }
    expect(ruleOf('postgres://ann@db.example/db?host=/run', 'named')).toBe('hosts')
    expect(ruleOf('postgres://ann@db.example?sslrootcert=system&sslmode=require', 'named')).toBe('value')
  })
})

describe('what is refused', () => {
  const hostile = hostileDsns({ port: 1, folder: '/tmp/trap' })

  test('is a long list, each by its rule', () => {
    expect(hostile.length).toBeGreaterThan(100)
    expect(hostile.map(([dsn]) => [dsn, ruleOf(dsn, 'inline')])).toEqual(hostile.map((each) => [...each]))
  })

  test('is refused in words that hold nothing of it', () => {
    const telling = 'postgres://ann:hunter2hunter2@db.example/db?hunter2hunter2=hunter2hunter2&sslcert=x'
    expect(() => parseDsn(telling, 'inline')).toThrow(/^holds a parameter that is not taken here, or one twice$/)
    expect(() => parseDsn('postgres://ann@db.example?SslCert=x', 'inline')).toThrow(/twice: sslcert$/)
    for (const [dsn] of hostile) {
      const error = errorOf(dsn.replaceAll(/\bu\b/g, 'hunter2hunter2'), 'inline')
      expect(error?.message).not.toContain('hunter2')
    }
  })
})

test('whatever stands in the parts comes out as it went in', () => {
  const part = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    .filter((text) => !text.includes('\0') && text.isWellFormed())
  fc.assert(
    fc.property(part, part, part, (user, password, database) => {
      const [u, p, d] = [user, password, database].map(encodeURIComponent)
      const dsn = parseDsn(`postgres://${u}:${p}@db.example/${d}`, 'inline')
      expect(dsn).toEqual({ ...plain, user, password, database })
    }),
  )
})

test('no text makes it fail in another way, or lead a job to a socket', () => {
  const pieces = fc.constantFrom(
    ...[
      'postgres',
      'postgresql',
      '://',
      ':',
      '/',
      '@',
      '?',
      '#',
      '&',
      '=',
      ',',
      '[',
      ']',
      '%',
      '%2F',
      '%00',
      '\0',
      ' ',
    ],
    ...['host', 'sslmode', 'require', 'options', '/tmp', '127.0.0.1', '::1', 'db.example', '5432', 'u', 'sqlite', '\\'],
  )
  const mixed = fc.array(pieces, { maxLength: 20 }).map((list) => list.join(''))
  fc.assert(
    fc.property(
      fc.oneof(
        mixed,
        mixed.map((rest) => `postgres://u@${rest}`),
        fc.string(),
      ),
      (text) => {
        if (errorOf(text, 'inline') !== undefined) return
        const { host, port, user, database } = parseDsn(text, 'inline')
        expect(host).toMatch(/^[a-z0-9_.:-]+$/)
        expect(port).toBeGreaterThan(0)
        expect(user).not.toBe('')
        expect(database).not.toBe('')
      },
    ),
    { numRuns: 2000 },
  )
})

function ruleOf(text: string, origin: DsnOrigin): string | undefined {
  return errorOf(text, origin)?.rule
}

/** Undefined when it is taken. */
function errorOf(text: string, origin: DsnOrigin): DsnError | undefined {
  try {
    parseDsn(text, origin)
    return undefined
  } catch (error) {
    if (error instanceof DsnError) return error
    throw error
  }
}
