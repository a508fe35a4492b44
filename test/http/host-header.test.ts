import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import { openTestHttp } from './open-test-http.ts'

/** Sends a request as it stands and resolves with the whole answer. */
function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('end', () => resolve(answer)).on('error', reject)
  })
}

const get = (path: string, host: string): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

// Whatever finds the path by counting characters takes the query of a short host's URL for its path.
test.each(['z', 'ab', 'api', 'x:1', 'a-longer-host'])(
  'the path that is guarded is the path that is served, with Host %p',
  async (host) => {
    await using http = await openTestHttp()
    for (const path of ['/health?/v1/things/1', '/open/x?/v1/things/1', '/health?a=/v1/things/1']) {
      const answer = await exchange(http.url, get(path, host))
      expect(answer).toStartWith('HTTP/1.1 200')
      expect(answer).not.toContain('"id":"1"')
    }
    expect(await exchange(http.url, get('/v1/things/1', host))).toStartWith('HTTP/1.1 401')
    expect(await exchange(http.url, get('/ready', host))).toStartWith('HTTP/1.1 200')
  },
)

test.each(['aaaaaaaa\\health?', 'aaaaaaaaaaaa?', 'aaaa@health', '//health?', 'z/health?', 'a b', 'open.x/open/y?'])(
  'no Host opens a guarded route: %p',
  async (host) => {
    await using http = await openTestHttp()
    for (const path of ['/v1/things/1', '//v1/things/1', '/health/../v1/things/1', '/health?/v1/things/1']) {
      const answer = await exchange(http.url, get(path, host))
      expect(answer).not.toContain('"id":"1"')
      expect(answer).not.toContain(' 500 ')
    }
  },
)
