/** The page behind an approver's link. Looking at it changes nothing; a form that is sent from it votes. */
import { Elysia } from 'elysia'
import type { Clock } from '../lib/clock.ts'
import type { Approval } from './approval.ts'
import type { LinkClaim, Links } from './link.ts'
import type { Ballot, Refusal } from './machine.ts'
import type { Office, Unreachable } from './office.ts'
import { type Answer, approvalPage, longestComment, pageHeaders, unreachablePage, uselessLinkPage } from './page.ts'

interface Options {
  readonly office: Office
  readonly links: Links
  readonly clock: Clock
}

const statuses: Readonly<Record<Refusal, number>> = {
  option: 400,
  approver: 403,
  self: 403,
  voted: 409,
  ended: 409,
  full: 413,
}

/** Open to all: the link itself says who may vote. */
export function linkRoutes({ office, links, clock }: Options) {
  const open = { security: [], hide: true }
  // A path that cannot be decoded is null, whatever its type says.
  const claimOf = (token: string | null): LinkClaim | undefined => links.verify(token, clock.now())
  return new Elysia({ name: 'approval-links' })
    .get(
      '/approve/:token',
      async ({ params }) => {
        const claim = claimOf(params.token)
        return claim === undefined ? useless() : shown(await office.find(claim.approvalId), claim)
      },
      { detail: open },
    )
    .post(
      '/approve/:token',
      async ({ params, request, body }) => {
        const claim = claimOf(params.token)
        if (claim === undefined || isForeign(request)) return useless()
        const found = await office.find(claim.approvalId)
        if (typeof found !== 'object') return shown(found, claim)
        const ballot = ballotOf(found, claim, body instanceof URLSearchParams ? body : new URLSearchParams())
        if (typeof ballot === 'string') return shown(found, claim, ballot, 400)
        return answered(await office.vote(claim.approvalId, ballot), found, claim)
      },
      { detail: open },
    )
}

/** What the form says, or what is wrong with it. */
function ballotOf(approval: Approval, { approver }: LinkClaim, form: URLSearchParams): Ballot | 'option' | 'comment' {
  const comment = (form.get('comment') ?? '').replaceAll('\r\n', '\n').trim()
  if (comment.length > longestComment) return 'comment'
  const decision = approval.question.options[indexOf(form.get('option'))]
  if (decision === undefined) return 'option'
  return { approver, decision, via: 'link', comment: comment === '' ? undefined : comment }
}

function answered(voted: Awaited<ReturnType<Office['vote']>>, found: Approval, claim: LinkClaim): Response {
  if (typeof voted !== 'object') return shown(found, claim, 'busy', 503)
  const { approval, refusal } = voted
  return refusal === undefined ? shown(approval, claim, 'counted') : shown(approval, claim, refusal, statuses[refusal])
}

function shown(found: Approval | undefined | Unreachable, claim: LinkClaim, answer?: Answer, status = 200): Response {
  if (found === undefined) return useless()
  if (found === 'unreachable') return page(unreachablePage(), 503)
  return page(approvalPage(found, claim.approver, answer), status)
}

/** One and the same for whatever is wrong with a link. */
function useless(): Response {
  return page(uselessLinkPage(), 404)
}

function page(html: string, status: number): Response {
  return new Response(html, { status, headers: pageHeaders })
}

/** A form on another site. Browsers that say nothing of where a form stood say so at least by its origin. */
function isForeign(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site !== 'same-origin' && site !== 'none'
  const origin = request.headers.get('origin')
  return origin !== null && origin !== 'null' && URL.parse(origin)?.host !== request.headers.get('host')
}

function indexOf(text: string | null): number {
  return text !== null && /^\d{1,4}$/.test(text) ? Number(text) : -1
}
