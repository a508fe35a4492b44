/**
 * What an approver sees: the question with a button for each option, or how it ended. Pure; a page without script, that
 * loads nothing, for phones, keyboards and screen readers alike.
 */

import { isSamePerson } from '../lib/person.ts'
import { type Approval, type End, isApproving, type Vote } from './approval.ts'
import { pageStyle } from './page-style.ts'

/** The longest comment that is taken, in characters. */
export const longestComment = 2000

/** Headers of every page behind a link: its own style and its own form, no frame, no trace of the link elsewhere. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash()}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow',
  'cache-control': 'no-store',
}

/** What is to be said about a vote that was just cast. */
export type Answer = 'counted' | 'option' | 'approver' | 'self' | 'voted' | 'ended' | 'full' | 'comment' | 'busy'

const answers: Readonly<Record<Exclude<Answer, 'counted'>, string>> = {
  option: 'Nothing was recorded: this option is not offered.',
  approver: 'Nothing was recorded: you are not one of the approvers of this request.',
  self: 'Nothing was recorded: whoever asks may not approve the request.',
  voted: 'Nothing was recorded: you have already voted, and a vote cannot be changed.',
  ended: 'Nothing was recorded: the request had already ended.',
  full: 'Nothing was recorded: there is no room left for this vote with its comment. Try a shorter one.',
  comment: `Nothing was recorded: a comment may have at most ${longestComment} characters.`,
  busy: 'Nothing was recorded: the request cannot be reached at the moment. Please try again.',
}

/**
 * The page of an approval for one of its approvers; `answer` after a vote. Its form posts `option`, the index of the one
 * that was chosen (a form may change line ends in texts), and `comment`.
 */
export function approvalPage(approval: Approval, approver: string, answer?: Answer): string {
  const own = approval.votes.find((vote) => isSamePerson(vote.approver, approver))
  const title = titleOf(approval, own)
  const parts = [
    `<h1>${title}</h1>`,
    ...(answer === undefined ? [] : [notice(answer)]),
    `<p class="prompt">${shown(approval.question.prompt)}</p>`,
    ...(approval.end === undefined ? [] : [ending(approval, approval.end)]),
    ...(approval.end === undefined && own !== undefined ? [ownVote(own)] : []),
    ...(approval.end === undefined && own === undefined ? [form(approval, approver)] : []),
    facts(approval, approver),
    votes(approval),
  ]
  return document(title, parts.join('\n'))
}

/** The one page for every link that is good for nothing, whatever is wrong with it. */
export function uselessLinkPage(): string {
  const title = 'This link cannot be used'
  const text = 'It is out of date, incomplete, or has been replaced. Ask whoever sent it to you for a new one.'
  return document(title, `<h1>${title}</h1>\n<p>${text}</p>`)
}

/** The page while nobody can tell how things stand; the link stays good. */
export function unreachablePage(): string {
  const title = 'The request cannot be shown at the moment'
  return document(title, `<h1>${title}</h1>\n<p role="alert">Please try again in a minute.</p>`)
}

function titleOf({ end }: Approval, own: Vote | undefined): string {
  if (end === undefined) return own === undefined ? 'Your decision is asked for' : 'Thank you, your vote is recorded'
  if (end.kind === 'decided') return 'This request is decided'
  return end.kind === 'expired' ? 'This request has expired' : 'This request was cancelled'
}

function notice(answer: Answer): string {
  if (answer === 'counted') return '<p class="notice" role="status">Your vote was recorded.</p>'
  return `<p class="notice" role="alert">${answers[answer]}</p>`
}

function form({ question }: Approval, approver: string): string {
  const buttons = question.options.map((option, index) => {
    const yes = isApproving(question, option)
    const mark = yes ? '✓' : '–'
    const text = `<span aria-hidden="true">${mark} </span>${shown(option)}${yes ? '<small> (means yes)</small>' : ''}`
    return `<button type="submit" name="option" value="${index}"${yes ? ' class="yes"' : ''}>${text}</button>`
  })
  return `<form method="post">
<label for="comment">Comment (optional)</label>
<textarea id="comment" name="comment" maxlength="${longestComment}" aria-describedby="comment-hint"></textarea>
<p class="hint" id="comment-hint">It is kept with your vote, and whoever asked can read it.</p>
<fieldset><legend>Decide as ${shown(approver)}</legend>
${buttons.join('\n')}
</fieldset>
</form>`
}

function ownVote(own: Vote): string {
  return `<p>You chose <strong>${shown(own.decision)}</strong> ${at(own.at)}. It needs the votes of others as well.</p>`
}

function ending({ question }: Approval, end: End): string {
  if (end.kind === 'expired') return `<p>Nobody decided in time. It expired ${at(end.at)}.</p>`
  if (end.kind === 'cancelled') return `<p>It was withdrawn ${at(end.at)}, before it was decided.</p>`
  const meaning = isApproving(question, end.decision) ? 'approved' : 'not approved'
  const who = end.approver === undefined ? 'because the time was up' : `by ${shown(end.approver)}`
  const comment = end.comment === undefined ? '' : `\n<p class="prompt">${shown(end.comment)}</p>`
  return `<p>The decision is <strong>${shown(end.decision)}</strong> (${meaning}), made ${who} ${at(end.at)}.</p>${comment}`
}

function facts(approval: Approval, approver: string): string {
  const { question, createdAt, expiresAt, end } = approval
  const rows = [
    ...(question.requester === undefined ? [] : [['Asked by', shown(question.requester)]]),
    ['You are', shown(approver)],
    ['Asked', at(createdAt)],
    ...(end === undefined ? [['Open until', at(expiresAt)]] : []),
    ...(question.required > 1 ? [['Votes needed for an option', String(question.required)]] : []),
  ]
  return `<dl>\n${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('\n')}\n</dl>`
}

function votes({ votes: cast }: Approval): string {
  if (cast.length === 0) return ''
  const items = cast.map(
    ({ approver, decision, comment, at: moment }) =>
      `<li>${shown(approver)}: ${shown(decision)}, ${at(moment)}${comment === undefined ? '' : ` – ${shown(comment)}`}</li>`,
  )
  return `<h2>Votes so far</h2>\n<ul>\n${items.join('\n')}\n</ul>`
}

function at(ms: number): string {
  const moment = new Date(ms).toISOString()
  return `<time datetime="${moment}">${moment.slice(0, 10)} ${moment.slice(11, 16)} UTC</time>`
}

function document(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${pageStyle}</style></head>
<body><main>
${body}
</main></body></html>
`
}

/** Marks that turn the direction of text round, and other controls: with them a text can look like another one. */
const deceptive = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** A text of somebody else's, to be read; each in a direction of its own, so that it cannot turn round what follows. */
function shown(text: string): string {
  const plain = text
    .replaceAll('\r\n', '\n')
    .replace(deceptive, (mark) => (mark === '\n' || mark === '\t' ? mark : '\ufffd'))
  return `<bdi>${Bun.escapeHTML(plain.toWellFormed())}</bdi>`
}

function styleHash(): string {
  return new Bun.CryptoHasher('sha256').update(pageStyle).digest('base64')
}
