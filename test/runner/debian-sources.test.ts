import { describe, expect, test } from 'bun:test'
import { archiveOf, sourcesFor } from './debian-sources.ts'

const archive = { uris: 'http://archive.test/debian', signedBy: '/usr/share/keyrings/archive.gpg' }

describe('the archive of a release', () => {
  test('is found among stanzas: not the updates of another archive, not a disabled one, comments aside', () => {
    const text = `# made by hand
Types: deb
URIs: http://archive.test/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://old.test/debian
Suites: bookworm

Types: deb
# URIs: http://commented.test/debian
URIs: http://archive.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/archive.gpg
`
    expect(archiveOf([{ name: 'debian.sources', text }], 'bookworm')).toEqual(archive)
  })

  test('is found among lines, with and without options', () => {
    const text = `# deb http://commented.test/debian bookworm main
deb-src http://source.test/debian bookworm main
deb http://archive.test/debian-security bookworm-security main
deb [arch=amd64 signed-by=/usr/share/keyrings/archive.gpg] http://archive.test/debian bookworm main contrib
`
    expect(archiveOf([{ name: 'sources.list', text }], 'bookworm')).toEqual(archive)
    const plain = { name: 'sources.list', text: 'deb http://archive.test/debian/ stable main' }
    expect(archiveOf([plain], 'bookworm')).toEqual({ uris: 'http://archive.test/debian/', signedBy: undefined })
  })

  test('is looked for in every file', () => {
    const other = { name: 'other.sources', text: 'Types: deb\nURIs: http://other.test/\nSuites: nodistro\n' }
    const empty = { name: 'sources.list', text: '' }
    expect(archiveOf([other, empty], 'bookworm')).toBeUndefined()
    const own = { name: 'own.list', text: 'deb http://archive.test/debian bookworm main' }
    expect(archiveOf([other, empty, own], 'bookworm')?.uris).toBe('http://archive.test/debian')
  })

  test('keeps a key that is written out in place', () => {
    const key = '-----BEGIN PGP-----\n .\n abc\n -----END PGP-----'
    const text = `Types: deb\nURIs: http://archive.test/debian\nSuites: bookworm\nSigned-By: ${key}\nComponents: main\n`
    const found = archiveOf([{ name: 'debian.sources', text }], 'bookworm')
    expect(found?.signedBy).toBe(key)
  })
})

test('the sources for another release are those of the same archive', () => {
  const text = sourcesFor(archive, 'forky')
  expect(text).toContain('Suites: forky\n')
  expect(archiveOf([{ name: 'x.sources', text }], 'forky')).toEqual(archive)
})
