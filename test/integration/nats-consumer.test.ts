import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { AckPolicy, type ConsumerConfig } from '@nats-io/jetstream'
import { Taken } from '../bus/taken.ts'
import { addStream, observe } from '../nats/observer.ts'
import { openBus, ownNames } from '../nats/open-bus.ts'
import { eventually } from '../support/eventually.ts'
import { hasNats, type NatsServer, startNats } from '../support/nats-server.ts'

const durable = { durable_name: 'caf-workers', ack_policy: AckPolicy.Explicit } as const

for (const version of ['newest', 'old'] as const)
  describe.if(hasNats(version))(`a consumer that somebody else has made (${version} server)`, () => {
    let server: NatsServer

    beforeAll(async () => {
      server = await startNats({ version })
    })

    afterAll(() => server[Symbol.asyncDispose]())

    /** What readiness says of a consumer of this shape; the assignment that waits is never taken. */
    async function refusal(shape: Partial<ConsumerConfig>, subjects?: (assign: string) => string[]): Promise<string> {
      const names = ownNames()
      const assign = names.CAF_ASSIGN_SUBJECT
      await addStream(server.url, names.JETSTREAM_STREAM, subjects?.(assign) ?? [assign])
      await using observer = await observe(server.url)
      await observer.manager.consumers.add(names.JETSTREAM_STREAM, { ...durable, ...shape })
      observer.nats.publish(assign, 'waits')
      await observer.nats.flush()
      await using bus = await openBus(server.url, { env: names })
      const taken = new Taken(bus)
      await eventually(() => bus.health().consumer.startsWith('consumer caf-workers: '))
      await taken.intake.stop()
      expect(taken.all).toEqual([])
      const { num_pending: pending } = await observer.manager.consumers.info(names.JETSTREAM_STREAM, 'caf-workers')
      expect(pending).toBe(1)
      return bus.health().consumer
    }

    test('that delivers no bodies is not used', async () => {
      expect(await refusal({ headers_only: true })).toContain('headers_only')
    })

    // Older servers do not know them.
    if (version === 'newest')
      test('that serves priority groups is not used', async () => {
        const groups: Partial<ConsumerConfig> = { priority_groups: ['a'], priority_policy: 'overflow' }
        expect(await refusal(groups)).toContain('priority_groups')
      })

    test('that delivers a message only once is not used, for nothing could be given back', async () => {
      expect(await refusal({ max_deliver: 1 })).toContain('max_deliver 1')
    })

    test('that delivers more than assignments is not used', async () => {
      const own = (assign: string): string[] => [assign, `${assign}.ack`]
      expect(await refusal({}, own)).toContain('delivers more than')
      const wide = (assign: string): string[] => [`${assign.replace('assign.', 'assign.*.')}`, assign]
      expect(await refusal({ filter_subject: '>' }, wide)).toContain('delivers more than')
    })

    test('with a filter for assignments is used, whatever else its stream keeps', async () => {
      const names = ownNames()
      const assign = names.CAF_ASSIGN_SUBJECT
      await addStream(server.url, names.JETSTREAM_STREAM, [assign, `${assign}.ack`])
      await using observer = await observe(server.url)
      await observer.manager.consumers.add(names.JETSTREAM_STREAM, { ...durable, filter_subject: assign })
      await using bus = await openBus(server.url, { env: names })
      const taken = new Taken(bus)
      await eventually(() => bus.health().consumer === 'ok')
      await taken.intake.stop()
    })
  })
