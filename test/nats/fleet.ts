import { Taken } from '../bus/taken.ts'
import { eventually } from '../support/eventually.ts'
import { type Observer, observe } from './observer.ts'
import { openBus, type ownNames, type TestBus } from './open-bus.ts'

type Names = ReturnType<typeof ownNames>

/** Opens a bus that takes, and resolves when it does. */
export async function openTaker(
  url: string,
  env: Readonly<Record<string, string>>,
  options: Omit<NonNullable<Parameters<typeof openBus>[1]>, 'env'> = {},
): Promise<{ bus: TestBus; taken: Taken }> {
  const bus = await openBus(url, { env, ...options })
  const taken = new Taken(bus)
  await eventually(() => bus.health().consumer === 'ok')
  return { bus, taken }
}

/** What the shared consumer of a fleet says. */
export async function consumerOf(url: string, names: Names) {
  await using observer: Observer = await observe(url)
  return await observer.manager.consumers.info(names.JETSTREAM_STREAM, 'caf-workers')
}
