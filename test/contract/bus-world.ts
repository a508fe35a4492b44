import type { Bus, Delivery } from '../../src/bus/bus.ts'
import { Taken } from '../bus/taken.ts'
import { eventually } from '../support/eventually.ts'

/** A place where several buses meet. */
export interface BusWorld extends AsyncDisposable {
  readonly assignSubject: string
  /** Whether a stream keeps the assignments. */
  readonly stored: boolean
  /** How many deliveries one bus holds at most, where the bus sets a window. */
  readonly window: number | undefined
  /** One more bus, connected; the world closes it. */
  open(): Promise<Bus>
}

/** A bus that takes assignments. */
export async function taking(world: BusWorld, onDelivery?: (delivery: Delivery) => void): Promise<[Bus, Taken]> {
  const bus = await world.open()
  const taken = new Taken(bus, onDelivery)
  await eventually(() => bus.health().consumer === 'ok')
  return [bus, taken]
}

/** What a promise rejects with; undefined when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}
