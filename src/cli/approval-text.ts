/** A record of the API as text for people. Pure. */
import { oneLine } from '../lib/one-line.ts'
import type { JsonObject } from '../protocol/json.ts'

const promptInRow = 60

/** One line: id, status, until when, prompt. */
export function approvalRow(record: JsonObject): string {
  const prompt = textOf(record['prompt'])
  const short = prompt.length > promptInRow ? `${prompt.slice(0, promptInRow)}…` : prompt
  return oneLine(
    `${textOf(record['approval_id'])}  ${textOf(record['status']).padEnd(9)}  ${textOf(record['expires_at'])}  ${short}`,
  )
}

/** Everything, a field a line, then the votes. */
export function approvalLines(record: JsonObject): string {
  const { votes, ...fields } = record
  const rows = Object.entries(fields).map(([name, value]) => oneLine(`${name.padEnd(16)}  ${shown(value)}`))
  const cast: readonly unknown[] = Array.isArray(votes) ? votes : []
  return [...rows, ...cast.map((vote) => oneLine(`${'vote'.padEnd(16)}  ${shown(vote)}`))].join('\n')
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '-'
}
