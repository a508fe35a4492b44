import type { Delivery, DeliveryHistory, MessageHeaders } from '../../src/bus/bus.ts'

interface Options {
  readonly body: Uint8Array
  readonly subject?: string
  readonly headers?: MessageHeaders
  readonly sequence?: string | undefined
  readonly deliveries?: number
  readonly leaseMs?: number | undefined
  readonly alreadyAccepted?: boolean
  readonly history?: () => Promise<DeliveryHistory>
  /** What giving back comes to, true unless said otherwise. */
  readonly giveBack?: (options: GiveBack) => Promise<boolean>
  readonly reoffer?: () => Promise<boolean>
  /** Told of everything that is done with it, in order. */
  readonly on?: (what: Done) => void
}

/** What was done with a delivery. */
export type Done = 'extend' | 'ack' | 'give back' | 'reoffer' | 'history'
type GiveBack = NonNullable<Parameters<Delivery['giveBack']>[0]>

/** A delivery as a bus that stores messages would hand out, which remembers what was done with it. */
export class StoredDelivery implements Delivery {
  readonly subject: string
  readonly body: Uint8Array
  readonly headers: MessageHeaders
  readonly sequence: string | undefined
  readonly deliveries: number
  readonly leaseMs: number | undefined
  readonly alreadyAccepted: boolean
  readonly done: Done[] = []
  readonly givenBack: GiveBack[] = []
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
    this.subject = options.subject ?? 'caf.exec.assign.v1'
    this.body = options.body
    this.headers = options.headers ?? {}
    this.sequence = 'sequence' in options ? options.sequence : '1'
    this.deliveries = options.deliveries ?? 1
    this.leaseMs = 'leaseMs' in options ? options.leaseMs : 30_000
    this.alreadyAccepted = options.alreadyAccepted ?? false
  }

  extend(): void {
    this.#note('extend')
  }

  async ack(): Promise<void> {
    this.#note('ack')
  }

  async giveBack(options: GiveBack = {}): Promise<boolean> {
    this.givenBack.push(options)
    this.#note('give back')
    return this.#options.giveBack?.(options) ?? true
  }

  async reoffer(): Promise<boolean> {
    this.#note('reoffer')
    return this.#options.reoffer?.() ?? false
  }

  async history(): Promise<DeliveryHistory> {
    this.#note('history')
    return this.#options.history?.() ?? { giveBacks: 0, attempts: 0 }
  }

  #note(what: Done): void {
    this.done.push(what)
    this.#options.on?.(what)
  }
}
