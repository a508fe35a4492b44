import { oneJsonLine, oneLine } from '../lib/one-line.ts'
import { isJsonObject, type JsonObject } from '../protocol/json.ts'
import { type ApiAnswer, apiPlace, askApi } from './api-client.ts'
import { approvalLines, approvalRow } from './approval-text.ts'
import { type Command, UsageError } from './command.ts'
import { exitCodes } from './exit-code.ts'

/** Asks the API; rejects with Refused for everything but a 200. */
type Ask = (path: string, body?: JsonObject) => Promise<JsonObject>

const words = ['list', 'show', 'approve', 'reject'] as const
type Word = (typeof words)[number]

const statuses: readonly string[] = ['pending', 'decided', 'expired', 'cancelled', 'all']

export const approvals: Command = {
  name: 'approvals',
  operands: 'list | show ID | approve ID | reject ID',
  summary: 'Shows questions to people, and answers them.',
  details: `Asks the HTTP API of the worker on HEALTH_BIND, or the one at --url. "approve" takes the first option that
means yes and "reject" the first that does not, unless --option names another one. Whoever holds the token
speaks for the approver whom --as names. Ends with 1 when the vote did not count, with 3 when nobody answers.`,
  flags: [
    { name: 'url', value: 'URL', summary: 'Where the HTTP API is.' },
    { name: 'token', value: 'TOKEN', summary: 'Its token, instead of API_TOKEN.' },
    { name: 'as', value: 'NAME', summary: 'The approver to vote for.' },
    { name: 'comment', value: 'TEXT', summary: 'Is kept with the vote.' },
    { name: 'option', value: 'TEXT', summary: 'The option to vote for.' },
    {
      name: 'status',
      value: 'STATUS',
      summary: 'Which to list: pending (as it is), decided, expired, cancelled, all.',
    },
    { name: 'json', summary: 'The records as JSON, one a line.' },
  ],
  examples: ['beamline approvals list', 'beamline approvals approve ap_… --as ann --comment "Go on"'],
  async run({ operands, has, value, env, output, clock }) {
    const { asked, id } = readOperands(operands)
    const place = apiPlace({ url: value('url'), token: value('token') }, env)
    const ask: Ask = async (path, body) => {
      const answer = await askApi(place, path, clock, body).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        throw new Refused(exitCodes.unreachable, `no answer from ${place.url.origin}: ${reason}`)
      })
      if (answer.status === 200) return answer.body
      throw new Refused(answer.status === 503 ? exitCodes.unreachable : exitCodes.failed, reasonOf(answer))
    }
    try {
      if (asked === 'list') {
        const row = has('json') ? jsonRow : approvalRow
        for await (const record of records(ask, value('status') ?? 'pending')) await output.print(row(record))
        return exitCodes.done
      }
      const vote = { approver: value('as'), comment: value('comment'), decision: value('option') }
      const record = await one(ask, asked, id, vote)
      await output.print(has('json') ? jsonRow(record) : approvalLines(record))
      return exitCodes.done
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      output.complain(oneLine(`beamline: ${error.message}`))
      return error.code
    }
  },
}

/** The id is empty for a list. */
function readOperands([word, id, ...surplus]: readonly string[]): { readonly asked: Word; readonly id: string } {
  const asked = words.find((each) => each === word)
  if (asked === undefined || surplus.length > 0) throw new UsageError(`approvals takes one of ${words.join(', ')}`)
  if (asked === 'list' && id !== undefined) throw new UsageError('approvals list takes no id')
  if (asked !== 'list' && id === undefined) throw new UsageError(`approvals ${asked} needs an id`)
  return { asked, id: id ?? '' }
}

/** The API did not do what it was asked for. */
class Refused extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

async function* records(ask: Ask, status: string): AsyncGenerator<JsonObject> {
  if (!statuses.includes(status)) throw new UsageError(`--status must be one of ${statuses.join(', ')}`)
  const query = new URLSearchParams(status === 'all' ? {} : { status })
  for (;;) {
    const page = await ask(`/v1/approvals?${query.toString()}`)
    const items: unknown = page['items']
    if (Array.isArray(items)) yield* items.filter(isJsonObject)
    if (typeof page['next'] !== 'string') return
    query.set('cursor', page['next'])
  }
}

interface Vote {
  readonly approver: string | undefined
  readonly comment: string | undefined
  readonly decision: string | undefined
}

/** The record, after the vote if there is to be one. */
async function one(ask: Ask, word: Exclude<Word, 'list'>, id: string, vote: Vote): Promise<JsonObject> {
  const path = `/v1/approvals/${encodeURIComponent(id)}`
  const record = await ask(path)
  if (word === 'show') return record
  return ask(`${path}/decision`, { ...vote, decision: vote.decision ?? chosen(word, record) })
}

function chosen(word: 'approve' | 'reject', record: JsonObject): string {
  const offered: unknown = record['options']
  const yes: unknown = record['approve_options']
  const means = (option: unknown): boolean => Array.isArray(yes) && yes.includes(option) === (word === 'approve')
  const option: unknown = Array.isArray(offered) ? offered.find(means) : undefined
  if (typeof option === 'string') return option
  throw new UsageError(`no option means ${word === 'approve' ? 'yes' : 'no'}; name one with --option`)
}

function reasonOf({ status, body }: ApiAnswer): string {
  const { detail } = body
  return typeof detail === 'string' ? detail : `the API answered with status ${status}`
}

function jsonRow(record: JsonObject): string {
  return oneJsonLine(JSON.stringify(record))
}
