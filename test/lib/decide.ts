/** What a policy makes of a URL, with a resolver that answers from the test. */
import { expect } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import { Egress, type EgressRules, type Resolve } from '../../src/lib/egress.ts'
import { errorMessage } from '../../src/protocol/error-message.ts'

export const never = new AbortController().signal
export const publicAddress = '93.184.215.14'

/** A policy that is empty but for what is given. */
export function egress(rules: Partial<EgressRules> = {}): Egress {
  return new Egress({ allowHosts: [], allowCidrs: [], denyCidrs: [], ...rules })
}

/** Resolves every name to these. */
export function answering(...answers: readonly string[]): Resolve {
  return async () => answers
}

/** Fails when it is asked at all. */
export const unasked: Resolve = async (host) => {
  throw new Error(`asked for ${host}`)
}

/** The addresses a request for the URL would go to, or the details of the refusal. */
export async function decide(policy: Egress, url: string, resolve: Resolve = unasked): Promise<unknown> {
  try {
    return await policy.addresses(policy.admitUrl(new URL(url)), resolve, never)
  } catch (error) {
    if (!(error instanceof JobError)) throw error
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', retry: 'never', unsent: true })
    expect(errorMessage(error)).toBe(error.message)
    return error.details
  }
}
