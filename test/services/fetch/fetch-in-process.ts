/**
 * A process of its own, for what the environment decides at its start. Sends, one after another, a GET and a POST to
 * each of the URLs it is given, and says how each ended.
 */
import { JobError } from '../../../src/errors.ts'
import { get, never, once, openTestFetch } from './fetch-rig.ts'

await using fetch = openTestFetch()
for (const url of process.argv.slice(2)) {
  for (const make of [get, once]) {
    const said = await fetch.request(make(new URL(url)), never).then(
      ({ status }) => ({ status }),
      (error: unknown) =>
        error instanceof JobError
          ? { code: error.code, reason: error.details?.['reason'], retry: error.retry, unsent: error.unsent }
          : { code: 'none' },
    )
    process.stdout.write(`${JSON.stringify(said)}\n`)
  }
}
