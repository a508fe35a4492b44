import { expect, test } from 'bun:test'
import { parseHosts, readHosts } from '../../../src/services/fetch/hosts-file.ts'

test('a name has the addresses of its own lines, in their order, and of no others', () => {
  const hosts = parseHosts(
    '# ours\n127.0.0.1 localhost\n::1\tlocalhost ip6-localhost\n\n127.0.0.2 db API # two\n127.0.0.3 api\n',
  )
  expect(Object.fromEntries(hosts)).toEqual({
    localhost: ['127.0.0.1', '::1'],
    'ip6-localhost': ['::1'],
    db: ['127.0.0.2'],
    api: ['127.0.0.2', '127.0.0.3'],
  })
})

test('no file is a file without names', () => {
  expect(readHosts('/nowhere/hosts').size).toBe(0)
})
