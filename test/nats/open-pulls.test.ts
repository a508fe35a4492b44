import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { OpenPulls } from '../../src/nats/open-pulls.ts'
import { FakeClock } from '../support/fake-clock.ts'

const expiresMs = 30_000

/** A server that fills requests in turn, and says what is left of one that ends, or does not say. */
class Server {
  readonly #open: { readonly number: number; left: number }[] = []

  ask(number: number, batch: number): void {
    this.#open.push({ number, left: batch })
  }

  get asked(): number {
    return this.#open.reduce((sum, { left }) => sum + left, 0)
  }

  /** Sends one message to the request whose turn it is. */
  send(): boolean {
    const request = this.#open.shift()
    if (request === undefined) return false
    request.left -= 1
    if (request.left > 0) this.#open.push(request)
    return true
  }

  end(): { number: number; left: number } | undefined {
    return this.#open.shift()
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('ask' as const), batch: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ kind: fc.constantFrom('send' as const, 'end' as const) }),
)

test('what may still come is known exactly, as long as the server says what is left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [pulls, server] = [new OpenPulls(new FakeClock()), new Server()]
      steps.forEach((taken, number) => {
        if (taken.kind === 'ask') {
          pulls.add(number, taken.batch, expiresMs)
          server.ask(number, taken.batch)
        } else if (taken.kind === 'send') {
          if (server.send()) pulls.received()
        } else {
          const ended = server.end()
          if (ended !== undefined) pulls.ended(ended.number, ended.left)
        }
        expect(pulls.asked).toBe(server.asked)
      })
    }),
  )
})

test('an old server that does not say what is left of its only request leaves nothing asked for', () => {
  const pulls = new OpenPulls(new FakeClock())
  pulls.add(1, 16, expiresMs)
  for (let n = 0; n < 5; n += 1) pulls.received()
  expect(pulls.asked).toBe(11)
  pulls.ended(1, undefined)
  expect(pulls.asked).toBe(0)
})

test('requests whose end was never heard are forgotten after their time', async () => {
  const clock = new FakeClock()
  const pulls = new OpenPulls(clock)
  pulls.add(1, 16, expiresMs)
  await clock.advance(expiresMs)
  pulls.expire()
  expect(pulls.asked).toBe(16)
  await clock.advance(6_000)
  pulls.expire()
  expect(pulls.asked).toBe(0)
})

test('many small requests that were filled are not remembered', () => {
  const pulls = new OpenPulls(new FakeClock())
  for (let number = 0; number < 10_000; number += 1) {
    pulls.add(number, 4, expiresMs)
    for (let n = 0; n < 4; n += 1) pulls.received()
    expect(pulls.remembered).toBeLessThanOrEqual(2)
  }
})
