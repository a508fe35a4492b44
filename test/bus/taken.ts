import type { Bus, Delivery, Intake, Message } from '../../src/bus/bus.ts'

/** What one taker was given, in order, to be waited for. */
export class Taken {
  readonly intake: Intake
  readonly all: Delivery[] = []
  readonly #unread: Delivery[] = []
  readonly #waiting: ((delivery: Delivery) => void)[] = []

  constructor(bus: Bus, onDelivery?: (delivery: Delivery) => void) {
    this.intake = bus.take((delivery) => {
      this.all.push(delivery)
      onDelivery?.(delivery)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#unread.push(delivery)
      else waiting(delivery)
    })
  }

  /** The next delivery that nobody has waited for yet. */
  next(): Promise<Delivery> {
    const delivery = this.#unread.shift()
    if (delivery !== undefined) return Promise.resolve(delivery)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(message: Message): string {
  return new TextDecoder().decode(message.body)
}
