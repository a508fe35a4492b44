import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { requestUrl, withQuery } from '../../../src/handlers/http/url.ts'

const pairs = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })))

test('whatever is added to a query is read back as it was, behind what stood there unchanged', () => {
  fc.assert(
    fc.property(pairs, fc.webUrl({ withQueryParameters: true }), (added, text) => {
      const url = new URL(text)
      const { search } = withQuery(url, added)
      expect(search.startsWith(url.search)).toBe(true)
      const before = [...new URLSearchParams(url.search)]
      expect([...new URLSearchParams(search)]).toEqual([...before, ...added])
    }),
  )
})

test('a URL keeps all but its fragment', () => {
  expect(requestUrl('HTTP://Example.COM:80/a%2f?b+c#d').href).toBe('http://example.com/a%2f?b+c')
  expect(requestUrl('https://example.com/#d', { a: null }).href).toBe('https://example.com/')
})
