/** What is written down of the replays of one job, as it is stored. Pure. */
import { encodeText, isJsonObject, objectText, readJson } from '../protocol/json.ts'
import type { Claim, ReplayMark } from '../store/dead-letter-store.ts'

/** So many entries of one job are told apart; of more, those that were sent themselves, and then those written last. */
const mostEntries = 1_000

/** The replays of one job. */
export interface JobMarks {
  /** The highest number of a replay so far. */
  readonly n: number
  /** The last mark of each entry, by its id. */
  readonly marks: ReadonlyMap<string, ReplayMark>
}

/** Nobody has replayed anything of the job. */
export const noMarks: JobMarks = { n: 0, marks: new Map() }

/** The mark that stands in the way of a claim; undefined when nothing does. */
export function obstacle({ marks }: JobMarks, { ids, force }: Claim): ReplayMark | undefined {
  if (force) return undefined
  return ids.map((id) => marks.get(id)).find((mark) => mark !== undefined && mark.state !== 'failed')
}

/** With the claim granted. */
export function claimed(before: JobMarks, claim: Claim, at: string): JobMarks {
  const n = Math.max(claim.atLeast, before.n + 1)
  return marked(before, claim, { state: 'begun', at, by: claim.by, n })
}

/** With the claim settled, where nobody has claimed the entries again since. */
export function settled(before: JobMarks, claim: Claim, mark: Omit<ReplayMark, 'by' | 'through'>): JobMarks {
  return marked(before, claim, { ...mark, by: claim.by })
}

function marked({ n, marks }: JobMarks, { ids }: Claim, mark: ReplayMark): JobMarks {
  const [sent] = ids
  const after = new Map(marks)
  for (const id of ids) {
    if ((after.get(id)?.n ?? 0) <= mark.n) after.set(id, id === sent ? mark : { ...mark, through: sent })
  }
  return { n: Math.max(n, mark.n), marks: bounded(after) }
}

function bounded(marks: ReadonlyMap<string, ReplayMark>): ReadonlyMap<string, ReplayMark> {
  if (marks.size <= mostEntries) return marks
  const [stoodFor, sent] = [[...marks].filter(isStoodFor), [...marks].filter((each) => !isStoodFor(each))]
  // What was sent and lost its mark would be sent again unasked, however many entries it stood for.
  return new Map([...stoodFor.toSorted(byId), ...sent.toSorted(byId)].slice(-mostEntries))
}

function isStoodFor([, mark]: readonly [string, ReplayMark]): boolean {
  return mark.through !== undefined
}

function byId([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

/** As it is stored. */
export function writeMarks({ n, marks }: JobMarks): Uint8Array {
  return encodeText(objectText({ n, marks: Object.fromEntries(marks) }))
}

/** Reads what was stored; what is none of it counts as nothing. */
export function readMarks(body: Uint8Array): JobMarks {
  const value = readJson(body)
  if (!isJsonObject(value) || !Number.isSafeInteger(value['n']) || !isJsonObject(value['marks'])) return noMarks
  const marks = Object.entries(value['marks']).flatMap(([id, mark]) => (isMark(mark) ? [[id, mark] as const] : []))
  return { n: Number(value['n']), marks: new Map(marks) }
}

function isMark(value: unknown): value is ReplayMark {
  if (!isJsonObject(value)) return false
  const { state, at, by, n, through } = value
  return (
    (state === 'begun' || state === 'done' || state === 'failed') &&
    typeof at === 'string' &&
    typeof by === 'string' &&
    Number.isSafeInteger(n) &&
    (through === undefined || typeof through === 'string')
  )
}
