import type { Subscription } from '@nats-io/nats-core'

/** Ends a subscription and resolves when what was on its way has been heard; at once when there is no connection. */
export async function endSubscription(subscription: Subscription, connected: boolean): Promise<void> {
  if (subscription.isClosed()) return
  if (connected) await subscription.drain().catch(() => undefined)
  else subscription.unsubscribe()
}
