/**
 * A process that changes a SQLite store: `write PATH` makes records `w.0`, `w.1`, … and prints each number when it is
 * confirmed, until it is killed; `create PATH N` tries to make records `c.0` to `c.<N-1>` and prints how many it made;
 * `add PATH N` adds one to the number in `sum`, N times.
 */
import { systemClock } from '../../src/lib/clock.ts'
import { openSqliteStateStore } from '../../src/store/sqlite-state-store.ts'
import type { StateStore } from '../../src/store/state-store.ts'

const { signal } = new AbortController()
const [, , task = '', path = '', times = ''] = process.argv
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

async function write(store: StateStore): Promise<void> {
  for (let n = 0; ; n += 1) {
    await store.create(`w.${n}`, new Uint8Array(10_000).fill(n % 256), n, signal)
    process.stdout.write(`${n}\n`)
  }
}

async function create(store: StateStore): Promise<void> {
  const keys = Array.from({ length: Number(times) }, (_, n) => `c.${n}`)
  const made = await Promise.all(keys.map((key) => store.create(key, encode('x'), undefined, signal)))
  process.stdout.write(`${made.filter((revision) => revision !== undefined).length}\n`)
}

async function add(store: StateStore): Promise<void> {
  for (let added = 0; added < Number(times); ) {
    const entry = await store.get('sum', signal)
    if (entry === undefined) throw new Error('there is no sum')
    const next = Number(new TextDecoder().decode(entry.value)) + 1
    if ((await store.replace(entry, encode(`${next}`), undefined, signal)) !== undefined) added += 1
  }
}

await using opened = await openSqliteStateStore(path, systemClock)
await ({ write, create, add }[task] ?? write)(opened)
