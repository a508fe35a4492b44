import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { dirname, join, resolve } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { systemClock } from '../../src/lib/clock.ts'
import { forbidden } from '../../src/nats/permission-probe.ts'
import { observe } from '../nats/observer.ts'
import { type BeamlineProcess, runBeamline, startBeamline } from '../support/beamline-process.ts'
import { type DeployedNats, startDeployedNats } from '../support/deployed-nats.ts'
import { eventually } from '../support/eventually.ts'
import { findNatsServer } from '../support/nats-binary.ts'
import { hasNats } from '../support/nats-server.ts'
import { connectWire, type Wire } from '../support/wire-client.ts'

const versions = (['newest', 'old'] as const).filter(hasNats)
const token = 'a-token-of-the-api'
const stored = { JETSTREAM: 'require', STATE_STORE: 'nats', DLQ_STREAM: 'BEAMLINE_DLQ', API_TOKEN: token }
const heard = { assign: 'caf.exec.assign.v1', ack: 'caf.exec.assign.v1.ack', result: 'caf.exec.result.v1' }
const unstored = { JETSTREAM: 'off', STATE_STORE: 'sqlite', API_TOKEN: token }

function assignment(id: string, type: string, payload: unknown): Wire {
  return { version: '1', assignment_id: id, tenant_id: 'acme', job: { type, payload } }
}

/** What permissions forbade this worker. */
function refusals(worker: BeamlineProcess): readonly unknown[] {
  return worker.logs().filter(({ message }) => message === 'NATS permissions forbid it')
}

/** The lines of `beamline check` that are not `ok`, but for what is said of this machine's folders. */
async function complaints(settings: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { stdout } = await runBeamline(['check'], settings)
  expect(stdout.length).toBeGreaterThan(5)
  return stdout.filter((line) => !/^(ok|warn +(blobs|dead_letters|state) .* temporary folder)/.test(line))
}

/** Of these, what the user may not do; asked so that nothing happens. */
async function forbiddenTo(
  nats: DeployedNats,
  user: 'worker' | 'caller',
  tried: { readonly publish: readonly string[]; readonly subscribe: readonly string[] },
): Promise<readonly string[]> {
  const connection = await connect({ servers: nats.server.url, user, pass: user })
  const refused = await forbidden({ nats: connection, ...tried, clock: systemClock })
  return (refused ?? []).map(({ subject }) => subject).toSorted()
}

/** A site that answers when it is let. */
function openSite(wait: () => Promise<void>) {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async () => {
      await wait()
      return new Response('here')
    },
  })
  return { url: String(server.url), [Symbol.asyncDispose]: () => server.stop(true) }
}

async function decide(url: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  // What the API answers with.
  const { items } = (await (await fetch(`${url}/v1/approvals`, { headers })).json()) as {
    readonly items: readonly { readonly approval_id: string }[]
  }
  const body = JSON.stringify({ decision: 'Approve', approver: 'ann' })
  return fetch(`${url}/v1/approvals/${items[0]?.approval_id}/decision`, { method: 'POST', headers, body })
}

describe.each(versions)('permissions on the %s server', (version) => {
  let nats: DeployedNats

  beforeAll(async () => {
    nats = await startDeployedNats(version)
  }, 30_000)

  afterAll(() => nats[Symbol.asyncDispose](), 60_000)

  test('a worker makes what is missing, and needs nothing more', async () => {
    const settings = { ...stored, NATS_URL: nats.as('worker') }
    expect(await complaints(settings)).toEqual([])
    await using worker = await startBeamline(['start'], settings)
    const url = await worker.ready()
    expect(await complaints(settings)).toEqual([])
    await using operator = await connectWire(nats.as('operator'))

    operator.send(assignment('done', 'echo', { any: 1 }))
    expect(await operator.result('done')).toMatchObject({ status: 'success' })

    operator.send(assignment('failed', 'javascript', { code: 'throw new Error("x")' }))
    operator.send(assignment('refused', 'no_such_type', {}))
    await eventually(() => operator.deadLetters.length === 2)
    const listed = await runBeamline(['dlq', 'list', '--json'], { ...settings, NATS_URL: nats.as('operator') })
    expect(listed.stdout.join('\n')).toContain('"failed"')
    expect(listed.stdout.join('\n')).toContain('"refused"')

    operator.send(assignment('asked', 'human_approval', { prompt: 'Go on?' }))
    await eventually(async () => (await (await fetch(`${url}/metrics`)).text()).includes('\nworker_parked_jobs 1\n'))
    expect((await decide(url)).status).toBe(200)
    expect(await operator.result('asked')).toMatchObject({ status: 'success', output: { approved: true } })
    expect(refusals(worker)).toEqual([])
    expect(operator.broken).toEqual([])
  }, 60_000)

  test('a worker hands its jobs to another one, and says nothing that is refused', async () => {
    const settings = { ...stored, NATS_URL: nats.as('worker'), SHUTDOWN_GRACE_MS: '0', WORKER_MAX_CONCURRENCY: '1' }
    await using first = await startBeamline(['start'], { ...settings, WORKER_ID: 'first' })
    await first.ready()
    await using operator = await connectWire(nats.as('operator'))
    operator.send(assignment('long', 'sleep', { ms: 1000 }))
    operator.send(assignment('next', 'sleep', { ms: 1 }))
    await eventually(() => operator.acks.has('next'))
    expect(await first.stop()).toBe(0)
    await using second = await startBeamline(['start'], { ...settings, WORKER_ID: 'second' })
    expect(await operator.result('long')).toMatchObject({ worker_id: 'second', status: 'success' })
    expect(await operator.result('next')).toMatchObject({ worker_id: 'second', status: 'success' })
    expect([...refusals(first), ...refusals(second)]).toEqual([])
  }, 60_000)

  test('a dead letter is replayed by an operator, and over the API of a worker', async () => {
    const settings = { ...stored, NATS_URL: nats.as('worker') }
    await using worker = await startBeamline(['start'], settings)
    const url = await worker.ready()
    await using operator = await connectWire(nats.as('operator'))
    for (const id of ['once', 'twice']) operator.send(assignment(id, 'javascript', { code: 'throw new Error("x")' }))
    await eventually(() => operator.deadLetters.length === 2)
    const idOf = (job: string) =>
      String(operator.deadLetters.find(({ assignment_id }) => assignment_id === job)?.['id'])
    const asOperator = { ...settings, NATS_URL: nats.as('operator') }
    expect(await runBeamline(['dlq', 'replay', idOf('once')], asOperator)).toMatchObject({ code: 0 })
    await operator.result('once.r1')
    const headers = { authorization: `Bearer ${token}` }
    const replayed = await fetch(`${url}/v1/dlq/${idOf('twice')}/replay`, { method: 'POST', headers })
    expect(replayed.status).toBe(200)
    await operator.result('twice.r1')
    expect(refusals(worker)).toEqual([])
    expect(await runBeamline(['dlq', 'purge', '--yes'], asOperator)).toMatchObject({ code: 0 })
  }, 60_000)

  test('a worker can do nothing but its work', async () => {
    const publish = [
      '$JS.API.STREAM.DELETE.CAF_EXEC',
      '$JS.API.STREAM.PURGE.CAF_EXEC',
      '$JS.API.STREAM.UPDATE.CAF_EXEC',
      '$JS.API.STREAM.MSG.GET.CAF_EXEC',
      '$JS.API.STREAM.MSG.DELETE.BEAMLINE_DLQ',
      '$JS.API.STREAM.PURGE.BEAMLINE_DLQ',
      '$JS.API.STREAM.DELETE.KV_BEAMLINE_STATE',
      '$JS.API.STREAM.MSG.GET.CAF_RESULTS',
      '$JS.API.STREAM.CREATE.OTHER',
      '$JS.API.CONSUMER.DELETE.CAF_EXEC.caf-workers',
      '$JS.API.CONSUMER.CREATE.CAF_EXEC.other.caf.exec.assign.v1',
      '$JS.API.CONSUMER.CREATE.CAF_RESULTS',
      '$KV.OTHER.key',
      'caf.exec.cancel.v1',
      'other.subject',
    ]
    const subscribe = ['>', 'caf.>', 'caf.exec.assign.v1', 'caf.deadletter.v1', '$SYS.>', 'other.subject']
    expect(await forbiddenTo(nats, 'worker', { publish, subscribe })).toEqual([...publish, ...subscribe].toSorted())
  }, 60_000)

  test('a caller submits and hears, and can do nothing else', async () => {
    const publish = [
      'caf.exec.result.v1',
      'caf.exec.assign.v1.ack',
      'caf.approval.v1.decide',
      'caf.deadletter.v1',
      ...['entry', 'rejected', 'mark'].map((kind) => `caf.deadletter.v1.${kind}.01JZ0000000000000000000000`),
      '$JS.API.STREAM.INFO.CAF_EXEC',
      '$JS.API.CONSUMER.MSG.NEXT.CAF_EXEC.caf-workers',
      '$JS.ACK.CAF_EXEC.caf-workers.1.1.1.1.0',
      '_INBOX.x',
      '_R_.x',
    ]
    const subscribe = ['>', 'caf.exec.assign.v1', 'caf.approval.v1.>', 'caf.deadletter.v1']
    const refused = await forbiddenTo(nats, 'caller', { publish, subscribe })
    expect(refused).toEqual([...publish, ...subscribe].toSorted())
    await using worker = await startBeamline(['start'], { ...stored, NATS_URL: nats.as('worker') })
    await worker.ready()
    const job = JSON.stringify({ type: 'echo', payload: { by: 'a caller' } })
    const submitted = await runBeamline(['submit', '-'], { NATS_URL: nats.as('caller') }, { stdin: job })
    expect(submitted).toMatchObject({ code: 0, stderr: [] })
    expect(submitted.stdout.join()).toContain('a caller')
    await using caller = await connectWire(nats.as('caller'), { ...heard, deadLetter: '_INBOX.none' })
    caller.send(assignment('called', 'echo', 1))
    expect(await caller.result('called')).toMatchObject({ status: 'success' })
    expect(caller.acks.get('called')).toMatchObject([{ status: 'accepted' }])
    expect(refusals(worker)).toEqual([])
  }, 30_000)

  test('a caller cannot have a worker or the stream do what it may not do itself', async () => {
    await using worker = await startBeamline(['start'], { ...stored, NATS_URL: nats.as('worker') })
    await worker.ready()
    await using observer = await observe(nats.as('operator'))
    await using operator = await connectWire(nats.as('operator'))
    const caller = await connect({ servers: nats.server.url, user: 'caller', pass: 'caller' })
    await using _ = { [Symbol.asyncDispose]: () => caller.close() }
    const results = async () => (await observer.manager.streams.info('CAF_RESULTS')).state.messages
    caller.publish('caf.exec.assign.v1', JSON.stringify(assignment('kept', 'echo', 1)))
    await operator.result('kept')
    const before = await results()
    const cancel = JSON.stringify({ version: '1', assignment_id: 'nobody', tenant_id: 'acme' })
    for (const verb of ['PURGE', 'DELETE']) {
      const reply = `$JS.API.STREAM.${verb}.CAF_RESULTS`
      caller.publish('caf.exec.cancel.v1', cancel, { reply })
      caller.publish('caf.exec.assign.v1', JSON.stringify(assignment(verb, 'echo', 1)), { reply })
    }
    const answer = await caller.request('caf.exec.cancel.v1', cancel)
    expect(answer.json<unknown>()).toEqual({ status: 'cancel_requested' })
    for (const verb of ['PURGE', 'DELETE']) await operator.result(verb)
    expect(await results()).toBe(before + 2)
    // Whatever answers a message must not become a dead letter, or the mark of one.
    for (const kind of ['entry', 'rejected', 'mark']) {
      const reply = `caf.deadletter.v1.${kind}.01JZ0000000000000000000000`
      caller.publish('caf.exec.cancel.v1', cancel, { reply })
      caller.publish('caf.exec.assign.v1', JSON.stringify(assignment(kind, 'echo', 1)), { reply })
      await operator.result(kind)
    }
    for (const stream of ['BEAMLINE_DLQ', 'BEAMLINE_DLQ_REJECTED']) {
      const { state } = await observer.manager.streams.info(stream, { subjects_filter: '>' })
      expect(
        Object.keys(state.subjects ?? {}).filter((subject) => subject.endsWith('.01JZ0000000000000000000000')),
      ).toEqual([])
    }
    expect(refusals(worker)).toEqual([])
  }, 30_000)
})

describe.each(versions)('permissions without JetStream on the %s server', (version) => {
  test('workers take jobs, keep approvals, and hand jobs to each other', async () => {
    await using nats = await startDeployedNats(version, 'core-worker.conf')
    const asked = Promise.withResolvers<void>()
    const handedOver = Promise.withResolvers<void>()
    await using site = openSite(() => {
      asked.resolve()
      return handedOver.promise
    })
    const alone = { SHUTDOWN_GRACE_MS: '0', WORKER_MAX_CONCURRENCY: '1', EGRESS_ALLOW_CIDRS: '127.0.0.0/8' }
    const settings = { ...unstored, ...alone, NATS_URL: nats.as('worker') }
    expect(await complaints(settings)).toEqual([])
    await using first = await startBeamline(['start'], { ...settings, WORKER_ID: 'first' })
    const url = await first.ready()
    await using operator = await connectWire(nats.as('operator'))
    operator.send(assignment('asked', 'human_approval', { prompt: 'Go on?' }))
    await eventually(async () => (await (await fetch(`${url}/metrics`)).text()).includes('\nworker_parked_jobs 1\n'))
    expect((await decide(url)).status).toBe(200)
    expect(await operator.result('asked')).toMatchObject({ status: 'success' })

    operator.send(assignment('long', 'http', { url: site.url }))
    operator.send(assignment('next', 'echo', 1))
    await asked.promise
    await eventually(() => operator.acks.has('next'))
    await using second = await startBeamline(['start'], { ...settings, WORKER_ID: 'second' })
    await second.ready()
    expect(await first.stop()).toBe(0)
    handedOver.resolve()
    expect(await operator.result('long')).toMatchObject({ worker_id: 'second' })
    expect(await operator.result('next')).toMatchObject({ worker_id: 'second' })
    expect([...refusals(first), ...refusals(second)]).toEqual([])
    const publish = ['caf.exec.cancel.v1', '$JS.API.STREAM.NAMES', 'other']
    const subscribe = ['caf.>', 'caf.deadletter.v1']
    expect(await forbiddenTo(nats, 'worker', { publish, subscribe })).toEqual([...publish, ...subscribe].toSorted())
  }, 60_000)
})

test('the configuration of the server is one', async () => {
  const file = resolve(import.meta.dir, '../../deploy/nats/nats.conf')
  const passwords = { WORKER_PASSWORD: 'p1', CALLER_PASSWORD: 'p2', OPERATOR_PASSWORD: 'p3' }
  const tried = (env: Readonly<Record<string, string>>) =>
    Bun.spawn([findNatsServer('newest') ?? '', '-t', '-c', file], { env, cwd: join(dirname(file)) }).exited
  expect(await tried(passwords)).toBe(0)
  expect(await tried({})).not.toBe(0)
}, 60_000)
