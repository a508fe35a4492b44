/** Running scripts in a sandbox, without threads. */
import type { Sandbox } from '../../../src/services/scripts/sandbox.ts'
import { runScript } from '../../../src/services/scripts/script-run.ts'

export const limits = { memoryBytes: 64e6, stackBytes: 512e3 } as const

type Ran = ReturnType<typeof runScript>

/** Runs a script to its end; `isOver` is never, unless it says so. */
export function runIn(
  sandbox: Sandbox,
  code: string,
  args: Readonly<Record<string, unknown>> = {},
  isOver: () => boolean = () => false,
): Ran {
  const names = JSON.stringify(Object.keys(args))
  const task = { kind: 'javascript', code, args: JSON.stringify(args), names, captureLogs: true, ...limits } as const
  return runScript(sandbox, task, isOver)
}

/** The value of a script that must succeed. */
export function valueIn(sandbox: Sandbox, code: string, args?: Readonly<Record<string, unknown>>): unknown {
  const { answer } = runIn(sandbox, code, args)
  if (answer.kind !== 'value') throw new Error(`${answer.code} ${answer.details}`)
  // A sandbox writes it so.
  return (JSON.parse(answer.json) as { readonly value: unknown }).value
}
