import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { unwrapped, type Wire } from './wire-client.ts'

/** Every result that a stream holds, by assignment id, read through a consumer of its own that goes again. */
export async function storedResults(
  url: string,
  stream = 'CAF_RESULTS',
): Promise<ReadonlyMap<string, readonly Wire[]>> {
  const nc = await connect({ servers: url })
  try {
    const { state } = await (await jetstreamManager(nc)).streams.info(stream)
    const results = new Map<string, Wire[]>()
    if (state.messages === 0) return results
    const messages = await (await jetstream(nc).consumers.get(stream)).consume({ max_messages: 1000 })
    for await (const message of messages) {
      const result = unwrapped(message.json<Wire>())
      const id = String(result['assignment_id'])
      results.set(id, [...(results.get(id) ?? []), result])
      if (message.seq >= state.last_seq) break
    }
    return results
  } finally {
    await nc.close()
  }
}
