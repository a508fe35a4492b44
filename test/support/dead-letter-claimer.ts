/**
 * A process that claims every entry of a stream of dead letters: `bun dead-letter-claimer.ts URL STREAM SUBJECT`. Says
 * `ready`, begins at the first line it is given, and prints the ids that were granted, as a JSON array.
 */
import { openBus } from '../nats/open-bus.ts'
import { eventually } from './eventually.ts'
import { allOf } from './letters.ts'

const [url = '', stream = '', subject = ''] = process.argv.slice(2)
const { signal } = new AbortController()
await using bus = await openBus(url, { env: { CAF_DLQ_SUBJECT: subject } })
const store = bus.deadLetters?.open(stream)
if (store === undefined) throw new Error('no dead letters')
await eventually(() => store.size() !== undefined)
const entries = await allOf(store)
process.stdout.write('ready\n')
for await (const _ of console) break
const granted: string[] = []
for (const { record } of entries) {
  const claim = { job: record.id, ids: [record.id] as const, atLeast: 1, force: false, by: `auto: ${process.pid}` }
  const claimed = await store.claim(claim, signal)
  if (claimed.kind !== 'granted') continue
  granted.push(record.id)
  await store.settle(claim, claimed.n, 'done', signal)
}
process.stdout.write(`${JSON.stringify(granted)}\n`)
await store[Symbol.asyncDispose]()
