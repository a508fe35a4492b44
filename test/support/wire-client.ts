import { headers as natsHeaders } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { eventually } from './eventually.ts'
import { opened } from './open-resources.ts'
import { resultOracle } from './result-oracle.ts'

/** A message as a test looks at it: an object, out of its envelope. */
export type Wire = Readonly<Record<string, unknown>>

/** The subjects a client talks on. */
interface WireSubjects {
  readonly assign: string
  readonly ack: string
  readonly result: string
  readonly deadLetter: string
}

/** The platform's own names. */
const platformSubjects: WireSubjects = {
  assign: 'caf.exec.assign.v1',
  ack: 'caf.exec.assign.v1.ack',
  result: 'caf.exec.result.v1',
  deadLetter: 'caf.deadletter.v1',
}

/** Somebody on the other side of the wire: sends assignments and remembers everything that comes back, by assignment id. */
export interface WireClient extends AsyncDisposable {
  readonly acks: ReadonlyMap<string, readonly Wire[]>
  readonly results: ReadonlyMap<string, readonly Wire[]>
  /** Results in the form they came. */
  readonly rawResults: ReadonlyMap<string, readonly Wire[]>
  readonly deadLetters: readonly Wire[]
  /** Every rule that any result broke. */
  readonly broken: readonly string[]
  /** Publishes as a plain core publish; `flush` says when all of it has arrived. */
  send(message: Wire | string, headers?: Readonly<Record<string, string>>): void
  /** Asks for the end of a job of the tenant `acme`. */
  cancel(assignmentId: string): void
  flush(): Promise<void>
  /** The first result for this id. */
  result(assignmentId: string, limitMs?: number): Promise<Wire>
  /** Resolves when this many ids have a result. */
  answered(count: number, limitMs: number): Promise<void>
}

/** Connects, as the user in the address if there is one, and listens before it returns. */
export async function connectWire(url: string, subjects: WireSubjects = platformSubjects): Promise<WireClient> {
  const { host, username, password } = new URL(url)
  const user = username === '' ? {} : { user: username, pass: password }
  const nc = await connect({ servers: host, ...user, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
  const closed = opened(`wire client of ${url}`, () => void nc.close())
  const acks = new Map<string, Wire[]>()
  const results = new Map<string, Wire[]>()
  const rawResults = new Map<string, Wire[]>()
  const deadLetters: Wire[] = []
  const broken: string[] = []

  const hear = (subject: string, take: (body: Uint8Array, headers: Record<string, string>) => void): void => {
    nc.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return
        const headers = Object.fromEntries(
          (message.headers?.keys() ?? []).map((key) => [key, message.headers?.get(key) ?? '']),
        )
        take(message.data, headers)
      },
    })
  }
  hear(subjects.ack, (body) => keep(acks, unwrapped(parse(body))))
  hear(subjects.result, (body, headers) => {
    broken.push(...resultOracle({ body, headers }))
    const raw = parse(body)
    keep(results, unwrapped(raw))
    keep(rawResults, raw, idOf(unwrapped(raw)))
  })
  hear(subjects.deadLetter, (body) => deadLetters.push(unwrapped(parse(body))))
  await nc.flush()

  return {
    acks,
    results,
    rawResults,
    deadLetters,
    broken,
    send(message, headers = {}) {
      const own = natsHeaders()
      for (const [name, value] of Object.entries(headers)) own.set(name, value)
      const text = typeof message === 'string' ? message : JSON.stringify(message)
      nc.publish(subjects.assign, text, Object.keys(headers).length > 0 ? { headers: own } : {})
    },
    cancel(assignmentId) {
      nc.publish('caf.exec.cancel.v1', JSON.stringify({ version: '1', assignment_id: assignmentId, tenant_id: 'acme' }))
    },
    flush: () => nc.flush(),
    async result(assignmentId, limitMs = 20_000) {
      await eventually(() => results.has(assignmentId), { timeoutMs: limitMs })
      return results.get(assignmentId)?.[0] ?? {}
    },
    async answered(count, limitMs) {
      await eventually(() => results.size >= count, { timeoutMs: limitMs })
    },
    async [Symbol.asyncDispose]() {
      await nc.close()
      closed()
    },
  }
}

function parse(body: Uint8Array): Wire {
  // What is published on these subjects is an object; the oracle checks the rest.
  return JSON.parse(new TextDecoder().decode(body)) as Wire
}

/** What is inside a message, whichever form it has. */
export function unwrapped(message: Wire): Wire {
  // An envelope's `data` is an object by the wire's rules.
  return message['kind'] === undefined ? message : (message['data'] as Wire)
}

function idOf(message: Wire): string {
  return String(message['assignment_id'])
}

function keep(where: Map<string, Wire[]>, message: Wire, id = idOf(message)): void {
  const before = where.get(id)
  if (before === undefined) where.set(id, [message])
  else before.push(message)
}
