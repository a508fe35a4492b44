/** Workers that kill themselves, without a word, at a named point on the way of an approval. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The points at which an approval must survive the death of whoever is at it. */
export const crashPoints = [
  'before the record',
  'after the record, before the ack',
  'before anyone was told',
  'after the decision, before publishing',
  'after publishing, before the mark',
] as const

/** One of them. */
export type CrashPoint = (typeof crashPoints)[number]

const src = resolve(import.meta.dir, '../../src')

/** What is loaded into the process before its own program: it wraps the methods between which the points lie. */
const planted = `
import { Desk } from '${src}/approvals/desk.ts'
import { Ledger } from '${src}/approvals/ledger.ts'
import { Notices } from '${src}/approvals/notices.ts'
import { Reporter } from '${src}/exchange/report.ts'
const die = () => process.kill(process.pid, 'SIGKILL')
const wrap = (of, name, before, after) => {
  const inner = of.prototype[name]
  of.prototype[name] = async function (...given) {
    if (before) { die(); await new Promise(() => {}) }
    const result = await inner.apply(this, given)
    if (after?.(result, given)) { die(); await new Promise(() => {}) }
    return result
  }
}
switch (process.env.CRASH_AT) {
  case 'before the record': wrap(Desk, 'park', true); break
  case 'after the record, before the ack': wrap(Desk, 'park', false, () => true); break
  case 'before anyone was told': wrap(Notices, 'send', true); break
  case 'after the decision, before publishing':
    wrap(Ledger, 'update', false, (end) => end?.changed && end.record.result && !end.record.publishedAt)
    break
  case 'after publishing, before the mark': wrap(Reporter, 'publish', false, (arrived) => arrived); break
}
`

/** A program that dies at the point which CRASH_AT names. Disposing of it removes its file. */
export function mortalProgram(): { readonly program: readonly string[] } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'beamline-mortal-'))
  const preload = join(folder, 'planted.ts')
  writeFileSync(preload, planted)
  return {
    program: [process.execPath, '--preload', preload, join(src, 'main.ts')],
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
