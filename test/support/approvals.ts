/** Questions to people as tests ask and answer them. */
import { encodeText, parseJson } from '../../src/protocol/json.ts'
import { Feed } from './feed.ts'
import type { Wire, WorkerRig } from './worker-rig.ts'

/** What lets a test vote for anybody. */
const apiToken = 'token-of-the-api'

/** Settings with which a worker lets tests vote. */
export const votingEnv = { API_TOKEN: apiToken }

/** What a worker says of approvals. */
export interface ApprovalFeeds {
  readonly requested: Feed<Wire>
  readonly decided: Feed<Wire>
}

/** Hears what is said of approvals from now on. */
export function hearApprovals({ hub }: Pick<WorkerRig, 'hub'>): ApprovalFeeds {
  const ear = hub.open()
  const hear = (word: string): Feed<Wire> => {
    const feed = new Feed<Wire>(word)
    // A record is an object.
    ear.subscribe(`caf.approval.v1.${word}`, ({ body }) => feed.push(parseJson(body) as Wire))
    return feed
  }
  return { requested: hear('requested'), decided: hear('decided') }
}

/** The fields of a job that asks. */
export function asking(payload: Wire = {}, assignmentId = 'a-1'): Wire {
  return {
    assignment_id: assignmentId,
    metadata: { user_id: 'rita' },
    job: { type: 'human_approval', payload: { prompt: 'Shall we?', ...payload } },
  }
}

/** Asks on one of the subjects, and resolves with the reply; undefined when nobody answers. */
export async function request({ hub }: Pick<WorkerRig, 'hub'>, word: string, message: Wire): Promise<Wire | undefined> {
  const subject = `caf.approval.v1.${word}`
  const reply = await hub.open().request({ subject, body: encodeText(JSON.stringify(message)) }, 2000)
  // A reply is an object.
  return reply === undefined ? undefined : (parseJson(reply) as Wire)
}

/** Votes over the bus. */
export function decide(
  rig: WorkerRig,
  approvalId: unknown,
  decision: string,
  more: Wire = {},
): Promise<Wire | undefined> {
  return request(rig, 'decide', { approval_id: approvalId, decision, approver: 'ann', token: apiToken, ...more })
}
