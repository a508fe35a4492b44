import type { JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import type { DeadLetterNames } from './dead-letter-names.ts'
import { captures, findStream, sampleSubjects, streamFault, streamProblem } from './dead-letter-streams.ts'
import { absence, openManager, reasonOf } from './jetstream-api.ts'

/** The streams of dead letters as a worker finds them. */
export type DeadLetterPlace =
  | {
      readonly kind: 'there'
      readonly names: DeadLetterNames
      /** The streams that a worker would make. */
      readonly missing: readonly string[]
      /** The streams that there are. */
      readonly found: readonly string[]
      /** Why they cannot be used, or made. */
      readonly problem: string | undefined
      /** Why they may lose what is in them. */
      readonly fault: string | undefined
    }
  | { readonly kind: 'no-jetstream' }
  | { readonly kind: 'unknown'; readonly reason: string }

/** Asks the server; never throws. */
export async function lookAtDeadLetters(nats: NatsConnection, names: DeadLetterNames): Promise<DeadLetterPlace> {
  try {
    return await look(await openManager(nats), names)
  } catch (error) {
    return absence(error) === 'no-jetstream' ? { kind: 'no-jetstream' } : { kind: 'unknown', reason: reasonOf(error) }
  }
}

async function look(manager: JetStreamManager, names: DeadLetterNames): Promise<DeadLetterPlace> {
  const { entry, mark, rejected } = sampleSubjects(names)
  const main = await findStream(manager, names.stream)
  const isApart = main === undefined || !captures(main, rejected)
  const parts = [
    { name: names.stream, stream: main, subjects: [entry, mark] },
    ...(isApart
      ? [
          {
            name: names.rejectedStream,
            stream: await findStream(manager, names.rejectedStream),
            subjects: [rejected],
          },
        ]
      : []),
  ]
  const problems = await Promise.all(
    parts.map(async ({ name, stream, subjects }) => {
      if (stream === undefined) return inTheWay(manager, subjects)
      const problem = streamProblem(stream, subjects)
      return problem === undefined ? undefined : `${name}: ${problem}`
    }),
  )
  const there = parts.flatMap(({ stream }) => stream ?? [])
  return {
    kind: 'there',
    names,
    missing: parts.filter(({ stream }) => stream === undefined).map(({ name }) => name),
    found: there.map(({ config }) => config.name),
    problem: problems.find((problem) => problem !== undefined),
    fault: there.map(streamFault).find((fault) => fault !== undefined),
  }
}

/** Two streams cannot capture one subject. */
async function inTheWay(manager: JetStreamManager, subjects: readonly string[]): Promise<string | undefined> {
  for (const subject of subjects) {
    const other = await manager.streams.find(subject).catch((error: unknown) => {
      if (absence(error) !== 'not-found') throw error
      return undefined
    })
    if (other !== undefined) return `the stream ${other} captures ${subject.replace(/[^.]+$/, '*')} already`
  }
  return undefined
}
