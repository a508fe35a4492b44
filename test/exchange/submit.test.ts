import { describe, expect, test } from 'bun:test'
import { type Bus, type Message, PublishError } from '../../src/bus/bus.ts'
import { Submissions } from '../../src/exchange/submit.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aborted } from '../support/probe.ts'

const subjects = { assign: 'assign', result: 'result' }

function submission(assignmentId: string, tenantId = 'acme') {
  return { assignmentId, tenantId, body: new TextEncoder().encode(`{"assignment_id":"${assignmentId}"}`) }
}

function open(publish: (message: Message, signal?: AbortSignal) => Promise<void> = async () => undefined) {
  const clock = new FakeClock()
  const sent: Message[] = []
  const listening = { count: 0, hear: (_body: Uint8Array): void => undefined }
  const bus: Pick<Bus, 'publish' | 'subscribe'> = {
    publish(message, signal) {
      sent.push(message)
      return publish(message, signal)
    },
    subscribe(subject, hear) {
      expect(subject).toBe('result')
      listening.count++
      listening.hear = (body) => hear({ subject, body, headers: {}, respond: () => undefined })
      return {
        async stop() {
          listening.count--
        },
      }
    },
  }
  const submissions = new Submissions({ bus, subjects, clock })
  const answer = (assignmentId: string, fields: object = {}, tenantId = 'acme'): void => {
    const result = { version: '1', assignment_id: assignmentId, tenant_id: tenantId, status: 'success', ...fields }
    listening.hear(new TextEncoder().encode(JSON.stringify(result)))
  }
  return { clock, sent, listening, submissions, answer }
}

describe('a submission', () => {
  test('is published once it is listened for, and resolves with its own result', async () => {
    const all = open(async () => expect(all.listening.count).toBe(1))
    const result = all.submissions.submit(submission('a-1'), 1000)
    await all.clock.advance(1)
    all.answer('a-2')
    all.answer('a-1', {}, 'other')
    all.listening.hear(new TextEncoder().encode('no result'))
    all.answer('a-1', { output: 7 })
    expect(await result).toMatchObject({ assignmentId: 'a-1', status: 'success', result: { output: 7 } })
    expect(all.sent.map(({ subject }) => subject)).toEqual(['assign'])
    expect(all.listening.count).toBe(0)
    expect(all.clock.pending).toBe(0)
  })

  test('hears a result that comes before the publish returns', async () => {
    const all = open(async () => all.answer('a-1'))
    expect(await all.submissions.submit(submission('a-1'), 1000)).toMatchObject({ status: 'success' })
  })

  test('that is not done in time can be asked after, and its result is still heard', async () => {
    const all = open()
    const result = all.submissions.submit(submission('a-1'), 1000)
    await all.clock.advance(1000)
    expect(await result).toBeUndefined()
    expect(all.submissions.find(submission('a-1'))).toEqual({ result: undefined })
    expect(all.submissions.tenantOf('a-1')).toBe('acme')
    all.answer('a-1')
    expect(all.submissions.find(submission('a-1'))).toMatchObject({ result: { status: 'success' } })
    expect(all.listening.count).toBe(0)
  })

  test('made twice waits for the same result', async () => {
    const all = open()
    const both = [all.submissions.submit(submission('a-1'), 1000), all.submissions.submit(submission('a-1'), 1000)]
    await all.clock.advance(1)
    all.answer('a-1')
    expect((await Promise.all(both)).map((result) => result?.status)).toEqual(['success', 'success'])
    expect(all.sent.length).toBe(2)
  })

  test('whose caller goes away stops waiting', async () => {
    const all = open()
    const gone = new AbortController()
    const result = all.submissions.submit(submission('a-1'), 1000, gone.signal)
    await all.clock.advance(1)
    gone.abort()
    expect(await result).toBeUndefined()
    expect(all.clock.pending).toBe(0)
  })

  test('that was never made is not known', () => {
    const { submissions } = open()
    expect(submissions.find(submission('a-1'))).toBeUndefined()
    expect(submissions.tenantOf('a-1')).toBeUndefined()
  })
})

describe('a submission that is not handed over', () => {
  test('rejects with the reason, and is forgotten', async () => {
    const all = open(() => Promise.reject(new PublishError('no-responders', 'nobody')))
    const outcome = await all.submissions.submit(submission('a-1'), 1000).catch((error: unknown) => error)
    expect(outcome).toMatchObject({ name: 'PublishError', reason: 'no-responders' })
    expect(all.listening.count).toBe(0)
    expect(all.clock.pending).toBe(0)
    expect(all.submissions.find(submission('a-1'))).toBeUndefined()
  })

  test('within five seconds is not waited for any longer', async () => {
    const all = open(async (_message, signal) => {
      if (signal !== undefined) throw await aborted(signal)
    })
    const result = all.submissions.submit(submission('a-1'), 60_000).catch((error: unknown) => error)
    await all.clock.advance(5000)
    expect(await result).toMatchObject({ name: 'PublishError', reason: 'unconfirmed' })
  })

  test('does not spoil the wait of another one for the same job', async () => {
    let first = true
    const all = open(async () => {
      if (!first) throw new PublishError('unconfirmed', 'lost')
      first = false
    })
    const one = all.submissions.submit(submission('a-1'), 60_000)
    const two = all.submissions.submit(submission('a-1'), 60_000).catch((error: unknown) => error)
    expect(await two).toMatchObject({ reason: 'unconfirmed' })
    expect(all.listening.count).toBe(1)
    all.answer('a-1')
    expect(await one).toMatchObject({ status: 'success' })
  })
})

describe('many submissions', () => {
  test('listen once, and results that never came are forgotten with time', async () => {
    const all = open()
    for (let index = 0; index < 20; index++) void all.submissions.submit(submission(`a-${index}`), 10)
    await all.clock.advance(10)
    expect(all.listening.count).toBe(1)
    await all.clock.advance(3_600_000)
    const last = all.submissions.submit(submission('last'), 1000)
    await all.clock.advance(1)
    all.answer('last')
    await last
    expect(all.listening.count).toBe(0)
  })

  test('stop listening when they are disposed of', async () => {
    const all = open()
    void all.submissions.submit(submission('a-1'), 10)
    await all.clock.advance(10)
    await all.submissions[Symbol.asyncDispose]()
    expect(all.listening.count).toBe(0)
  })
})
