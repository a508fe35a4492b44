import { type JetStreamManager, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'

/** A second view of the server, by a plain client. */
export interface Observer extends AsyncDisposable {
  readonly nats: NatsConnection
  readonly manager: JetStreamManager
}

export async function observe(url: string): Promise<Observer> {
  const { host, username, password } = new URL(url)
  const user = username === '' ? {} : { user: username, pass: password }
  const nats = await connect({ servers: host, ...user, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
  const manager = await jetstreamManager(nats, { checkAPI: false })
  return { nats, manager, [Symbol.asyncDispose]: () => nats.close() }
}

/** Makes a stream as the platform does: on disk, each message for one worker (or kept by limits). */
export async function addStream(
  url: string,
  name: string,
  subjects: string[],
  retention: RetentionPolicy = RetentionPolicy.Workqueue,
): Promise<void> {
  await using observer = await observe(url)
  await observer.manager.streams.add({ name, subjects, retention, storage: StorageType.File })
}
