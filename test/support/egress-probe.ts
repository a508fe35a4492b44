/**
 * Runs http jobs that must not get through, in `beamline run`, against servers of its own on loopback, and prints what
 * became of them as JSON: started by test/integration/egress.test.ts, where it can be in a network of its own.
 */
import { startBeamline } from './beamline-process.ts'

let unlistedHits = 0
const unlisted = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch() {
    unlistedHits++
    return new Response('inside')
  },
})
const listed = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request) {
    const to = new URL(request.url).searchParams.get('to')
    if (to === null) return new Response('fine')
    // The bytes of UTF-8, as careless servers send them.
    const location = Buffer.from(to).toString('latin1')
    return new Response('', { status: 302, headers: { location } })
  },
})
const { port } = unlisted
const start = `http://127.0.0.1:${listed.port}/`
const forbidden = [
  `http://127.0.0.1:${port}/`,
  `http://localhost:${port}/`,
  `http://LOCALHOST.:${port}/`,
  `http://2130706433:${port}/`,
  `http://0x7f000001:${port}/`,
  `http://0177.0.0.1:${port}/`,
  `http://127.1:${port}/`,
  `http://[::1]:${port}/`,
  `http://[::ffff:127.0.0.1]:${port}/`,
  `http://0.0.0.0:${port}/`,
  `http://127.0.0.1.:${port}/`,
  `http://①②⑦.0.0.1:${port}/`,
  'http://169.254.169.254/latest/meta-data/',
  'http://[fd00:ec2::254]/',
  'http://10.0.0.1/',
  'http://192.168.1.1/',
  'file:///etc/passwd',
  'data:text/plain,inside',
]
const urls = [...forbidden, ...forbidden.map((to) => `${start}?to=${encodeURIComponent(to)}`)]
const jobs = [start, ...urls].map((url) => JSON.stringify({ type: 'http', payload: { url } })).join('\n')
await using beamline = await startBeamline(
  ['run', '-'],
  { EGRESS_ALLOW_HOSTS: `127.0.0.1:${listed.port}`, EGRESS_ALLOW_CIDRS: '192.0.2.0/24' },
  { stdin: jobs },
)
const code = await beamline.exited
// `run` prints one result a line.
const results = beamline.stdout.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
const interfaces = Object.keys((await import('node:os')).networkInterfaces())
const outcomes = results.map(({ status, error_code: why, error_details: details }) => ({ status, why, details }))
process.stdout.write(`${JSON.stringify({ code, asked: urls.length, unlistedHits, interfaces, outcomes })}\n`)
await Promise.all([unlisted.stop(true), listed.stop(true)])
