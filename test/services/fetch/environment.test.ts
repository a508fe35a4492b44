/** What the environment of the process decides: which authorities are trusted; not which proxy is used. */
import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certify } from '../../nats/certificate.ts'
import { type RawAnswer, RawHttpServer, response } from '../../support/raw-http-server.ts'

const ok: RawAnswer = (socket) => socket.write(response(200, {}, 'ok'))

async function said(env: Readonly<Record<string, string>>, ...urls: readonly URL[]): Promise<readonly unknown[]> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'fetch-in-process.ts'), ...urls.map(String)], {
    env: { PATH: process.env['PATH'], ...env },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const text = await child.stdout.text()
  expect(await child.exited).toBe(0)
  return text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
}

describe('certificates', () => {
  const authority = certify('authority')
  const certified = certify('server', authority)

  test('of a trusted authority are checked against the name, not against the address that is connected to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fetch-'))
    try {
      const file = join(folder, 'ca.pem')
      writeFileSync(file, authority.certificate)
      await using server = await RawHttpServer.start(ok, { certified })
      const good = Array.from({ length: 20 }, () => server.url('/', 'localhost'))
      const answers = await said({ NODE_EXTRA_CA_CERTS: file }, ...good, server.url(), server.url('/', 'other.test'))
      expect(answers.slice(0, 42)).toEqual(Array.from({ length: 42 }, () => ({ status: 200 })))
      const wrong = { code: 'HTTP_REQUEST_FAILED', reason: 'certificate', retry: 'never', unsent: true }
      expect(answers.slice(42)).toEqual([wrong, wrong])
      expect(server.requests).toHaveLength(42)
      expect(server.connections).toBeLessThan(42)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('are checked though the environment says not to', async () => {
    await using server = await RawHttpServer.start(ok, { certified })
    const wrong = { code: 'HTTP_REQUEST_FAILED', reason: 'certificate', retry: 'never', unsent: true }
    const urls = [server.url('/', 'localhost'), server.url()]
    expect(await said({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, ...urls)).toEqual([wrong, wrong, wrong, wrong])
    expect(server.requests).toHaveLength(0)
  })

  test('of an unknown authority end the request before it has left', async () => {
    await using server = await RawHttpServer.start(ok, { certified })
    await using selfSigned = await RawHttpServer.start(ok, { certified: authority })
    const wrong = { code: 'HTTP_REQUEST_FAILED', reason: 'certificate', retry: 'never', unsent: true }
    const urls = [server.url('/', 'localhost'), selfSigned.url('/', 'localhost')]
    expect(await said({}, ...urls)).toEqual([wrong, wrong, wrong, wrong])
    expect(server.requests).toHaveLength(0)
  })
})

test('proxies from the environment are not used', async () => {
  await using proxy = await RawHttpServer.start(ok)
  await using server = await RawHttpServer.start(ok)
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
  const env = Object.fromEntries(names.map((name) => [name, proxy.url().origin]))
  expect(await said(env, server.url('/', 'a.test'))).toEqual([{ status: 200 }, { status: 200 }])
  expect(proxy.connections).toBe(0)
  expect(server.requests).toHaveLength(2)
})
